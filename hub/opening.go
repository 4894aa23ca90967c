package hub

import "context"

// Hears reports whether a hub runs on a folder and takes its operator's commands. A hub that has
// locked the folder and still opens it takes none yet.
func Hears(ctx context.Context, dir string) bool {
	_, running := dialHub(ctx, dir)
	return running
}
