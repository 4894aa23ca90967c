// Package tomlfile reads and writes the configuration files of shops and hubs. It is
// strict: a key that this version does not know is an error, for it is a typing mistake or
// comes from a newer version. Every error names the file, the line and the key, so that
// the owner can mend it.
package tomlfile
