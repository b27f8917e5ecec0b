"""Where failures come from: each module turns one kind of input into ``SyncFailure`` values."""
