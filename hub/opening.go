package hub

import "context"

// Hears reports whether a hub runs on a folder and hears its operator's commands. One that
// has locked the folder and opens it does not hear them yet.
func Hears(ctx context.Context, dir string) bool {
	_, running := dialHub(ctx, dir)
	return running
}
