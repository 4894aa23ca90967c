package hub

// ServeJoin answers one request to the open host, without the network.
var ServeJoin = (*Hub).serveJoin
