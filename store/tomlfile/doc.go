// Package tomlfile reads and writes the configuration files of shops and hubs. It is
// strict: a key that this version does not know is an error, for it is a typing mistake or of
// a newer version. Every error about the file names it, the line and the key, so that its owner can mend it.
package tomlfile
