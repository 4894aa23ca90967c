// Package hub runs a federation's hub, which lets shops in and so is the author of the member
// list. Of the list's four rooms it alone makes entries. Package [membership] has the rules,
// package [roster] has the list as stored, and package [members] spreads it. The doc of
// package [membership] draws the way of an entry through the four. The hub also helps members
// find each other. It holds no catalog, price, partnership or order, and none passes it in
// the clear.
//
// [Init] makes a hub's folder, [Open] reads it and [Hub.Run] runs the hub until its
// context ends. [Invite], [Invites], [Members], [Revoke], [Void] and [Status] are the operator's
// commands on a folder, whether a hub runs on it or not. Underneath, [New] composes a
// Hub from [Parts] without a folder: so tests run a hub in virtual time.
//
// # The folder
//
//	hub.toml          the operator's configuration; see Config
//	log.key           signs the member list; needed while the hub runs (package keyfile)
//	admission.key     signs invites, voids and revocations; the running hub never reads it
//	open.key          of the host that strangers join through
//	closed.key        of the host that members connect to
//	invites/          what was invited, without the secrets; see Invites
//	federation.json   public: origin, public keys, and where the hub is; see Public
//	db/               the member list, and members' signed addresses, by which a restarted
//	                  hub calls them; synced
//	hub.sock          where commands reach the running hub, mode 0600
//	LOCK              held by the process that uses the folder, with its pid
//
// All keys have mode 0600 and are never overwritten. A backup is the whole folder of a
// stopped hub. Whoever has log.key and admission.key is the hub.
//
// # The admission key elsewhere
//
// The admission key decides which shops are in, so it may live on another machine. Move
// admission.key into a folder there and copy federation.json beside it. Invite, Revoke and Void work on
// such a folder. The hub takes their statements through its open host, from anybody: the
// signature is what counts.
//
// # Two hosts
//
// The open host speaks one protocol, join, to anybody: a signed statement in, the
// member list out. A shop that the list names may also ask for its status, under its own key.
// A shop that was revoked while it, or the hub, was off hears of it there, since the closed host
// does not let it in. Such questions have limits of their own, for each shop and for all, so
// that a crowd of shops keeps nobody from joining.
//
// The closed host speaks to members only: the member list (package [members]), leave, private
// DHT, relay and AutoNAT (package [p2p]).
//
// Each host has a port of its own. Where Config.SharedPort is set, both are reached at that TCP port
// besides, for shops whose firewall lets them out by one port only ([p2p.SharedPort]).
//
// # One entry for one statement
//
// Statements are appended one at a time. An entry and the checkpoint over it are one
// commit, and no answer leaves before that commit. A statement that is in the list already is
// answered as if it had just been appended. So a shop whose answer was lost asks again, and
// makes no second entry.
//
// # Restored from a backup
//
// A hub that continued an old copy of its list would sign a second list beside the list of
// its shops, and every shop would freeze its list. The shops have the newer list, and
// any of them hands it back. So a hub whose list names members signs nothing at start until
// it has listened to them for [settleTime]. It listens for [settleStale] where its checkpoint
// is so old that it cannot have been running. Statements that come meanwhile wait, or are
// answered that they shall come again.
//
// # HTTP
//
// The status address serves reading only: / for people, /status and /members as JSON,
// /checkpoint (a C2SP signed note), /healthz and /metrics. It answers only requests addressed to
// localhost, an IP address, or a name in status_hosts. So no web page can read it through a
// visitor's browser.
//
// hub.sock serves the commands: GET /status, GET /members, GET /invites, GET /voids/ID, and POST
// /statement with the bytes of a signed statement, answered by {}. Errors are {"code", "message"}.
package hub
