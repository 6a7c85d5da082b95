package settings

import "os"

// StateFile is where the last message is kept.
func StateFile() string {
	return os.Getenv("STATE_FILE")
}
