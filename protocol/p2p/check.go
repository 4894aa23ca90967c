package p2p

// CheckAddresses reports the first text of a list that is no multiaddr, as CodeInvalid.
func CheckAddresses(list []string) error {
	_, err := parseAddrs(list)
	return err
}
