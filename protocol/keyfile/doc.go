// Package keyfile keeps Ed25519 private keys in files of one line:
//
//	souk-key-1 <purpose> <base64 of the 32-byte seed>
//
// The purpose ("shop", "log", "admission", "open-host", "closed-host") keeps a key
// from being used for another job by a copied file. Files are created with mode
// 0600, never overwritten, and refused when others may read them.
package keyfile
