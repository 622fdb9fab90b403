// SPDX-License-Identifier: MIT

// micro_go: what goroutines, their channels, locks and timers cost. Names and output: bench/README.md.
//
//	micro_go [--workers N] [--passes N] [--seconds S] [--list] [NAME...]
//
// Workers are GOMAXPROCS. Every benchmark verifies what its goroutines have done.
package main

func main() {
	harnessMain([]benchmark{
		{"spawn_join_batch", spawnJoinBatch, false},
		{"spawn_join_one", spawnJoinOne, false},
		{"spawn_join_100k", spawnJoin100k, true},
		{"chained_spawn", chainedSpawn, false},
		{"yield_2", yield2, false},
		{"yield_1k", yield1k, false},
		{"yield_100k", yield100k, false},
		{"ping_pong", pingPong, false},
		{"nested_ready_1", nested(nested1, false, ready, 1), false},
		{"nested_ready_5", nested(nested5, false, ready, 5), false},
		{"nested_ready_20", nested(nested20, false, ready, 20), false},
		{"nested_yield_1", nested(nested1, true, yielding, 1), false},
		{"nested_yield_5", nested(nested5, true, yielding, 5), false},
		{"nested_yield_20", nested(nested20, true, yielding, 20), false},
		{"channel_ping_pong", channelPingPong, false},
		{"channel_1_to_1", channel1To1, false},
		{"channel_of_1k", channelOf1k, false},
		{"channel_4_to_1", channel4To1, false},
		{"oneshot_ready", oneshotReady, false},
		{"mutex_uncontended", mutexUncontended, false},
		{"mutex_held_over_yield_8", mutexHeldByOneOf8, false},
		{"rwlock_uncontended", rwlockUncontended, false},
		{"select_4", select4, false},
		{"timer_create_cancel", timerCreateCancel, true},
		{"timer_create_fire", timerCreateFire, false},
		{"sleepers_1m", sleepers1m, true},
		{"timer_late", timerLate, true},
		{"busy_10ms", busy10ms, true},
		{"stuck", stuck, true},
		{"memory_sleeping_bytes", memorySleeping, true},
		{"memory_waiting_bytes", memoryWaiting, true},
		{"channel_create_100k", channelCreate100k, true},
		{"memory_idle_channel_bytes", memoryIdleChannel, true},
	})
}
