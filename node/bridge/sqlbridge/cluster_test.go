//go:build unix

package sqlbridge

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/souk-market/souk/testnet/leftout"
)

// required is the variable by which .ci/run says that PostgreSQL is there.
const required = "SOUK_POSTGRES"

// cluster is a PostgreSQL of the tests' own: in a temporary folder, reached by a socket in it, and
// gone when the process is, however it ends.
type cluster struct {
	dir, bin string
	as       *syscall.Credential // PostgreSQL does not run as root
	alive    io.Closer           // what it lives as long as
	ended    chan error
}

var (
	theCluster  *cluster
	clusterOnce sync.Once
	clusterErr  error
	databases   atomic.Int64
)

func TestMain(m *testing.M) {
	if dying() {
		return
	}
	code := m.Run()
	if theCluster != nil {
		theCluster.stop()
		os.RemoveAll(theCluster.dir)
	}
	os.Exit(code)
}

// binaries is the folder of initdb and postgres; "" where there is none.
func binaries() string {
	folders, _ := filepath.Glob("/usr/lib/postgresql/*/bin")
	if path, err := exec.LookPath("initdb"); err == nil {
		if real, err := filepath.EvalSymlinks(path); err == nil {
			folders = append(folders, filepath.Dir(real))
		}
	}
	for i := len(folders) - 1; i >= 0; i-- {
		if _, err := os.Stat(filepath.Join(folders[i], "postgres")); err == nil {
			return folders[i]
		}
	}
	return ""
}

// newCluster is the tests' cluster, started by the first that wants it.
func newCluster(t *testing.T) *cluster {
	t.Helper()
	bin := binaries()
	if bin == "" {
		leftout.Test(t, required, "PostgreSQL (initdb and postgres)")
	}
	clusterOnce.Do(func() { theCluster, clusterErr = makeCluster(bin) })
	if clusterErr != nil {
		t.Fatal(clusterErr)
	}
	return theCluster
}

func makeCluster(bin string) (*cluster, error) {
	dir, err := os.MkdirTemp("", "souk-postgres-")
	if err != nil {
		return nil, err
	}
	c := &cluster{dir: dir, bin: bin}
	if os.Getuid() == 0 {
		nobody, err := user.Lookup("nobody")
		if err != nil {
			return nil, err
		}
		uid, err1 := strconv.ParseUint(nobody.Uid, 10, 32)
		gid, err2 := strconv.ParseUint(nobody.Gid, 10, 32)
		if err1 != nil || err2 != nil {
			return nil, fmt.Errorf("the user nobody is %s, %s", nobody.Uid, nobody.Gid)
		}
		c.as = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
		if err := os.Chown(dir, int(uid), int(gid)); err != nil {
			return nil, err
		}
	}
	init := c.command("initdb", "-D", c.data(), "-U", "owner", "--auth=trust", "-E", "UTF8", "--no-locale", "-N")
	if out, err := init.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("initdb: %w\n%s", err, out)
	}
	return c, c.start()
}

func (c *cluster) data() string { return filepath.Join(c.dir, "data") }

func (c *cluster) command(name string, args ...string) *exec.Cmd {
	cmd := exec.Command(filepath.Join(c.bin, name), args...)
	cmd.Dir = c.dir
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: c.as}
	return cmd
}

// start starts the server, below a shell that ends it at once when its input ends: also where this
// process is killed.
func (c *cluster) start() error {
	cmd := c.command("postgres")
	cmd.Path, cmd.Args = "/bin/sh", []string{"sh", "-c", `"$0" "$@" >>log 2>&1 & server=$!; cat; kill -QUIT $server; wait $server`,
		filepath.Join(c.bin, "postgres"), "-D", c.data(), "-k", c.dir, "-c", "listen_addresses=", "-c", "max_connections=100", "-c", "fsync=off"}
	in, err := cmd.StdinPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	c.alive, c.ended = in, make(chan error, 1)
	go func() { c.ended <- cmd.Wait() }()
	ctx, stop := context.WithTimeout(context.Background(), time.Minute)
	defer stop()
	for {
		conn, err := pgx.Connect(ctx, c.url("owner", "postgres"))
		if err == nil {
			return conn.Close(ctx)
		}
		select {
		case <-ctx.Done():
			log, _ := os.ReadFile(filepath.Join(c.dir, "log"))
			return fmt.Errorf("PostgreSQL does not start: %w\n%s", err, log)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// stop ends the server as a crash does: it recovers at its next start.
func (c *cluster) stop() {
	c.alive.Close()
	<-c.ended
}

func (c *cluster) url(role, database string) string {
	return fmt.Sprintf("postgres://%s@/%s?host=%s", role, database, c.dir)
}

// shop is a database with a shop's tables.
type shop struct {
	*cluster
	t        *testing.T
	database string
	tables   Tables
	names    names
	pool     *pgxpool.Pool // of the shop's own checkout
}

// newShop is a shop's database with names that have to be quoted, and a role for the bridge that
// may do no more than it needs. where says which of Tables' names are not the usual ones.
func newShop(t *testing.T, tables Tables) *shop {
	t.Helper()
	c := newCluster(t)
	s := &shop{cluster: c, t: t, database: fmt.Sprintf("shop%d", databases.Add(1)), tables: tables}
	var err error
	if s.names, err = tables.names(); err != nil {
		t.Fatal(err)
	}
	admin, err := pgx.Connect(t.Context(), c.url("owner", "postgres"))
	if err != nil {
		t.Fatal(err)
	}
	defer admin.Close(t.Context())
	for _, sql := range []string{
		`DO $$ BEGIN IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'souk') THEN CREATE ROLE souk LOGIN; END IF; END $$`,
		`CREATE DATABASE ` + s.database,
		`ALTER DATABASE ` + s.database + ` SET default_transaction_isolation = 'serializable'`, // the bridge does not go by defaults
	} {
		if _, err := admin.Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
	config, err := pgxpool.ParseConfig(c.url("owner", s.database))
	if err != nil {
		t.Fatal(err)
	}
	config.MaxConns = 20
	config.ConnConfig.RuntimeParams["default_transaction_isolation"] = "read committed"
	if s.pool, err = pgxpool.NewWithConfig(t.Context(), config); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.pool.Close)
	s.makeTables()
	return s
}

func (s *shop) makeTables() {
	n := s.names
	s.exec(`CREATE SCHEMA shop`)
	s.exec(`GRANT USAGE ON SCHEMA shop TO souk`)
	key := "text"
	if n.variants != "" {
		key = "integer"
		s.exec(`CREATE TABLE ` + n.variants + ` (` + n.variantSKU + ` varchar(128) PRIMARY KEY, ` + n.variantStock + ` integer)`)
		s.exec(`GRANT SELECT ON ` + n.variants + ` TO souk`)
	}
	s.exec(`CREATE TABLE ` + n.stock + ` (` + n.key + ` ` + key + ` PRIMARY KEY, ` + n.free + ` integer CHECK (` + n.free + ` >= 0))`)
	schema, err := s.tables.Schema()
	if err != nil {
		s.t.Fatal(err)
	}
	for range 2 { // it may run again
		s.exec(schema)
	}
	s.exec(`GRANT SELECT, UPDATE ON ` + n.stock + ` TO souk`)
	s.exec(`GRANT SELECT, INSERT, UPDATE ON ` + n.asks + ` TO souk`)
	s.exec(`GRANT SELECT ON ` + n.changes + ` TO souk`)
}

// exec runs statements as the shop.
func (s *shop) exec(sql string, args ...any) int64 {
	s.t.Helper()
	var mode []any
	if len(args) == 0 {
		mode = []any{pgx.QueryExecModeSimpleProtocol} // several statements
	}
	done, err := s.pool.Exec(s.t.Context(), sql, append(mode, args...)...)
	if err != nil {
		s.t.Fatalf("%s: %v", sql, err)
	}
	return done.RowsAffected()
}

// system is the bridge into the database.
func (s *shop) system() *System {
	s.t.Helper()
	b, err := Open(s.t.Context(), s.url("souk", s.database), s.tables)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(b.Close)
	return b
}
