// Package words turns keys into English words that people can compare, write down
// and type, from the list of BIP-39 (2,048 words, each known by its first four letters).
//
// A fingerprint is six words of a public key: two shop owners read them to each other over
// the telephone to be sure that they see the same shop. They are the first 66 bits of
//
//	SHA-256("souk/fingerprint/1" ‖ 32-byte Ed25519 public key)
//
// 11 bits a word. A stranger who wants a key with the same six words has to try
// 2^66 keys.
//
// A recovery phrase is 24 words of a shop's offline recovery key, which is shown
// once, when the shop is made, and kept on paper. It is the BIP-39 mnemonic whose 256 bits
// of entropy are the Ed25519 seed itself: the 24 words hold the seed and 8 bits of its SHA-256 as
// a checksum. BIP-39's password and stretching are not used, since the seed is random.
package words
