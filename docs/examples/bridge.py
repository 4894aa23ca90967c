#!/usr/bin/env python3
"""A whole system behind a stock bridge: SQLite, and nothing but Python's own library.

    python3 bridge.py shop.db bridge.secret 8080 TEST-1=20 TEST-2=20

serves http://localhost:8080; products named at the end are put into stock if they are new.
"""
import base64, hashlib, hmac, json, sqlite3, sys, threading, time, urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

SCHEMA = """
CREATE TABLE IF NOT EXISTS stock (sku TEXT PRIMARY KEY, free INTEGER NOT NULL CHECK (free >= 0), rev INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS ask (id TEXT PRIMARY KEY, state TEXT NOT NULL, lines TEXT NOT NULL, rest TEXT NOT NULL, parts TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS meta (epoch TEXT NOT NULL);
INSERT INTO meta SELECT lower(hex(randomblob(8))) WHERE NOT EXISTS (SELECT * FROM meta);
"""


def load(db, id):
    row = db.execute("SELECT state, lines, rest, parts FROM ask WHERE id = ?", (id,)).fetchone()
    return row and (row[0], *map(json.loads, row[1:]))


def save(db, id, state, lines, rest, parts):
    db.execute("REPLACE INTO ask VALUES (?, ?, ?, ?, ?)", (id, state, json.dumps(lines), json.dumps(rest), json.dumps(parts)))


def add(db, sku, units):
    db.execute("UPDATE stock SET free = free + ?, rev = (SELECT max(rev) FROM stock) + 1 WHERE sku = ?", (units, sku))


def hold(db, ask):
    wanted = {line["sku"]: line["units"] for line in ask["lines"]}
    if known := load(db, ask["id"]):  # a repeat: answer from what is kept, and change nothing
        state, lines, _, _ = known
        if state not in ("held", "committed"):
            return {"ok": False, "problem": "missing"}
        return {"ok": True} if lines == wanted else {"ok": False, "problem": "key_reused"}
    short = []
    for sku, units in wanted.items():
        row = db.execute("SELECT free FROM stock WHERE sku = ?", (sku,)).fetchone()
        if (row[0] if row else 0) < units:
            short.append({"sku": sku, "asked": units, "available": row[0] if row else 0})
    if short:
        save(db, ask["id"], "refused", wanted, {}, [])
        return {"ok": False, "short": short}
    for sku, units in wanted.items():
        add(db, sku, -units)
    save(db, ask["id"], "held", wanted, wanted, [])
    return {"ok": True}


def commit(db, ref):
    known = load(db, ref["id"])
    if not known or known[0] not in ("held", "committed"):
        return {"ok": False, "problem": "missing"}
    save(db, ref["id"], "committed", *known[1:])
    return {"ok": True}


def release(db, part):
    known = load(db, part["id"])
    if not known:  # a mark, so that the hold is refused, should it come late
        save(db, part["id"], "released", {}, {}, [])
        return {"ok": True}
    state, lines, rest, parts = known
    if state not in ("held", "committed") or part["seq"] in parts:
        return {"ok": True}
    for sku, units in ({line["sku"]: line["units"] for line in part.get("lines", [])} or dict(rest)).items():
        units = min(units, rest.get(sku, 0))
        rest[sku] = rest.get(sku, 0) - units
        add(db, sku, units)
    rest = {sku: units for sku, units in rest.items() if units > 0}
    save(db, part["id"], state if rest else "released", lines, rest, parts + [part["seq"]])
    return {"ok": True}


def changes(db, since):  # SQLite has one writer at a time, so that revisions are committed in their order
    (epoch,), (last,) = db.execute("SELECT epoch FROM meta").fetchone(), db.execute("SELECT max(rev) FROM stock").fetchone()
    known, _, rev = (since or epoch + "-0").rpartition("-")
    if known != epoch or not rev.isdigit() or int(rev) > last:
        return {"changes": [], "next": "", "gap": True}
    rows = db.execute("SELECT sku, free, rev FROM stock WHERE rev > ? ORDER BY rev LIMIT 100", (int(rev),)).fetchall()
    now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    return {"changes": [{"sku": sku, "free": free, "at": now} for sku, free, _ in rows],
            "next": f"{epoch}-{rows[-1][2] if rows else rev}", "more": len(rows) == 100}


def open_asks(db, after):
    rows = db.execute("SELECT id, state, rest FROM ask WHERE state IN ('held', 'committed') AND id > ? ORDER BY id LIMIT 50", (after,))
    return {"open": [{"id": id, "state": state, "lines": [{"sku": sku, "units": units} for sku, units in json.loads(rest).items()]}
                     for id, state, rest in rows.fetchall()]}


class Bridge(BaseHTTPRequestHandler):
    protocol_version, wbufsize = "HTTP/1.1", 65536  # an answer leaves in one piece
    POST = {"/hold": ("asks", hold), "/commit": ("refs", commit), "/release": ("parts", release)}
    GET = {"/changes": ("since", changes), "/open": ("after", open_asks)}

    def signed(self, payload):
        id, at = self.headers.get("webhook-id", ""), self.headers.get("webhook-timestamp", "")
        if not at.isdigit() or abs(time.time() - int(at)) > 300:
            return False
        right = "v1," + base64.b64encode(hmac.new(SECRET, f"{id}.{at}.".encode() + payload, hashlib.sha256).digest()).decode()
        return any(hmac.compare_digest(right, given) for given in self.headers.get("webhook-signature", "").split(" "))

    def serve(self, calls, payload, work):
        path = urllib.parse.urlsplit(self.path).path
        if path not in calls:
            return self.answer(404, {"detail": "there is no such call"})
        if not self.signed(payload):
            return self.answer(401, {"detail": "not signed with our secret, or not of now"})
        with LOCK:
            try:
                DB.execute("BEGIN IMMEDIATE")  # one transaction for all of the call
                body = work(DB, *calls[path])
                DB.execute("COMMIT")  # on the disk: only now is it an answer
            except (sqlite3.Error, ValueError, KeyError) as problem:
                if DB.in_transaction:
                    DB.execute("ROLLBACK")  # nothing was done
                status = 503 if isinstance(problem, sqlite3.Error) else 400
                return self.answer(status, {"detail": repr(problem)})
        self.answer(200, body)

    def do_POST(self):
        payload = self.rfile.read(min(int(self.headers.get("content-length", 0)), 65536))
        self.serve(self.POST, payload, lambda db, name, do: {"answers": [{"id": e["id"], **do(db, e)} for e in json.loads(payload)[name]]})

    def do_GET(self):
        query = urllib.parse.urlsplit(self.path).query
        self.serve(self.GET, query.encode(), lambda db, name, do: do(db, urllib.parse.parse_qs(query).get(name, [""])[0]))

    def answer(self, status, body):
        b = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(b)))
        self.end_headers()
        self.wfile.write(b)

    def log_message(self, *args):
        pass


if __name__ == "__main__":
    SECRET = base64.b64decode(open(sys.argv[2]).read().strip().removeprefix("whsec_"))
    DB, LOCK = sqlite3.connect(sys.argv[1], isolation_level=None, check_same_thread=False), threading.Lock()
    DB.executescript("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;" + SCHEMA)
    for product in sys.argv[4:]:
        sku, _, units = product.rpartition("=")
        DB.execute("INSERT OR IGNORE INTO stock VALUES (?, ?, (SELECT coalesce(max(rev), 0) + 1 FROM stock))", (sku, int(units)))
    server = ThreadingHTTPServer(("localhost", int(sys.argv[3])), Bridge)
    print(f"serving http://localhost:{server.server_address[1]}", flush=True)
    server.serve_forever()
