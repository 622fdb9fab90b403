// SPDX-License-Identifier: MIT

// micro_go: what goroutines, their channels, locks and timers cost. Names and output: bench/README.md.
//
//	micro_go [--workers N] [--passes N] [--list] [NAME...]
//
// Workers are GOMAXPROCS. Every benchmark verifies what its goroutines have done.
package main

import (
	"log"
	"runtime"
	"sync"
	"sync/atomic"
	"time"
)

const (
	memoryTasks = 1000000
	timers      = 1000000
)

// ---- spawning ----

func spawnJoin(batches, tasks int) sample {
	results := make([]int, tasks)
	w := watchStart()
	sum := 0
	for batch := 0; batch < batches; batch++ {
		var all sync.WaitGroup
		all.Add(tasks)
		for i := 0; i < tasks; i++ {
			i := i
			go func() {
				results[i] = i
				all.Done()
			}()
		}
		all.Wait()
		for i := range results {
			sum += results[i]
		}
	}
	s := w.wallPer(batches * tasks)
	expect(sum, batches*(tasks*(tasks-1)/2))
	return s
}

func spawnJoinBatch() sample {
	count := countOr(1000)
	return spawnJoin(roundsOf(1000000, count), count)
}

func spawnJoinCold() sample { return spawnJoin(1, 100000) }

func spawnJoinOne() sample {
	const rounds = 500000
	w := watchStart()
	sum := 0
	for i := 0; i < rounds; i++ {
		result := make(chan int, 1)
		go func(i int) { result <- i }(i)
		sum += <-result
	}
	s := w.wallPer(rounds)
	expect(sum, rounds*(rounds-1)/2)
	return s
}

func chain(links, length int, done chan int) {
	if links == 0 {
		done <- length
	} else {
		go chain(links-1, length+1, done)
	}
}

func chainedSpawn() sample {
	const rounds, links = 500, 1000
	w := watchStart()
	sum := 0
	for i := 0; i < rounds; i++ {
		done := make(chan int, 1)
		chain(links, 0, done)
		sum += <-done
	}
	s := w.wallPer(rounds * links)
	expect(sum, rounds*links)
	return s
}

// ---- switching ----

func yields(tasks, turns int) sample {
	var begin int32
	var sum int64
	var all sync.WaitGroup
	each := turns / tasks

	all.Add(tasks)
	for i := 0; i < tasks; i++ {
		go func() {
			for atomic.LoadInt32(&begin) == 0 {
				runtime.Gosched()
			}
			for j := 1; j < each; j++ {
				runtime.Gosched()
			}
			atomic.AddInt64(&sum, int64(each))
			all.Done()
		}()
	}
	w := watchStart()
	atomic.StoreInt32(&begin, 1)
	all.Wait()
	s := w.wallPer(turns)
	expect(int(sum), turns)
	return s
}

func yield2() sample { return yields(2, 2000000) }
func yield1k() sample {
	count := countOr(1000)
	return yields(count, roundsOf(4000000, count)*count)
}
func yield100k() sample { return yields(100000, 5000000) }

func ping(sum *int64, all *sync.WaitGroup) {
	out, back := make(chan int, 1), make(chan int, 1)
	go func() { back <- <-out + 1 }()
	out <- 1
	atomic.AddInt64(sum, int64(<-back))
	all.Done()
}

func pingPong() sample {
	const rounds, pings = 200, 1000
	var sum int64
	w := watchStart()
	for round := 0; round < rounds; round++ {
		var all sync.WaitGroup
		all.Add(pings)
		for i := 0; i < pings; i++ {
			go ping(&sum, &all)
		}
		all.Wait()
	}
	s := w.wallPer(rounds * pings)
	expect(int(sum), 2*rounds*pings)
	return s
}

// ---- channels and locks ----

func channelPingPong() sample {
	const rounds = 500000
	out, back := make(chan int, 1), make(chan int, 1)
	go func() {
		for value := range out {
			back <- value + 1
		}
		close(back)
	}()
	w := watchStart()
	sum := 0
	for i := 0; i < rounds; i++ {
		out <- i
		sum += <-back
	}
	s := w.wallPer(rounds)
	close(out)
	expect(sum, rounds*(rounds+1)/2)
	return s
}

func channelFrom(senders int) sample {
	const messages = 2000000
	channel := make(chan int, 100)
	each := messages / senders
	w := watchStart()
	for i := 0; i < senders; i++ {
		go func() {
			for j := 0; j < each; j++ {
				channel <- j
			}
		}()
	}
	sum := 0
	for i := 0; i < messages; i++ {
		sum += <-channel
	}
	s := w.wallPer(messages)
	expect(sum, senders*(each*(each-1)/2))
	return s
}

func channel1To1() sample { return channelFrom(1) }
func channel4To1() sample { return channelFrom(4) }

func mutexUncontended() sample {
	const rounds = 5000000
	var mutex sync.Mutex
	sum := 0
	w := watchStart()
	for i := 0; i < rounds; i++ {
		mutex.Lock()
		sum++
		mutex.Unlock()
	}
	s := w.wallPer(rounds)
	expect(sum, rounds)
	return s
}

func rwlockUncontended() sample {
	const rounds = 5000000
	var rwlock sync.RWMutex
	sum := 0
	w := watchStart()
	for i := 0; i < rounds; i++ {
		rwlock.RLock()
		sum++
		rwlock.RUnlock()
	}
	s := w.wallPer(rounds)
	expect(sum, rounds)
	return s
}

func mutexHeldByOneOf8() sample {
	const tasks, each = 8, 50000
	var mutex sync.Mutex
	var all sync.WaitGroup
	sum := 0
	w := watchStart()
	all.Add(tasks)
	for i := 0; i < tasks; i++ {
		go func() {
			for j := 0; j < each; j++ {
				mutex.Lock()
				before := sum
				runtime.Gosched()
				sum = before + 1
				mutex.Unlock()
			}
			all.Done()
		}()
	}
	all.Wait()
	s := w.wallPer(tasks * each)
	expect(sum, tasks*each)
	return s
}

// ---- timers ----

// A number below `bound` that looks random but is the same in every run.
func scatter(i, bound int) int {
	mixed := (uint64(i) + 1) * 0x9e3779b97f4a7c15
	return int((mixed >> 32) % uint64(bound))
}

func timerCreateCancel() sample {
	count := countOr(timers)
	rounds := roundsOf(timers, count)
	all := make([]*time.Timer, count)
	stopped := 0
	w := watchStart()
	for round := 0; round < rounds; round++ {
		for i := range all {
			all[i] = time.AfterFunc(time.Duration(60000+scatter(i, 3600000))*time.Millisecond, func() {})
		}
		for i := range all {
			if all[i*611953%count].Stop() { // a prime, so every index comes once
				stopped++
			}
		}
	}
	s := w.wallPer(rounds * count)
	expect(stopped, rounds*count)
	return s
}

func timerCreateFire() sample {
	const tasks, each = 50000, 10
	var early, sum int64
	var all sync.WaitGroup
	w := watchStart()
	all.Add(tasks)
	for i := 0; i < tasks; i++ {
		go func(seed int) {
			for j := 0; j < each; j++ {
				duration := time.Duration(1+scatter(seed+j, 10)) * time.Millisecond
				before := time.Now()
				time.Sleep(duration)
				if time.Since(before) < duration {
					atomic.AddInt64(&early, 1)
				}
			}
			atomic.AddInt64(&sum, each)
			all.Done()
		}(i * each)
	}
	all.Wait()
	s := w.wallAndCPUPer(tasks * each)
	expect(int(sum), tasks*each)
	expect(int(early), 0)
	return s
}

// How late it was, in ns.
func sleepMeasured(duration time.Duration) int64 {
	due := time.Now().Add(duration)
	time.Sleep(duration)
	late := time.Since(due).Nanoseconds()
	if late < 0 {
		log.Fatal("a timer fired early")
	}
	return late
}

func timerLate() sample {
	const sleepers, sleeps = 1000, 20
	var all sync.WaitGroup
	late := make([]int64, sleepers*sleeps)
	all.Add(sleepers)
	for i := 0; i < sleepers; i++ {
		go func(seed int) {
			for j := seed; j < seed+sleeps; j++ {
				late[j] = sleepMeasured(time.Duration(1+scatter(j, 10)) * time.Millisecond)
			}
			all.Done()
		}(i * sleeps)
	}
	all.Wait()
	return quantiles("timer_late", late)
}

// One goroutine computes for 10 ms, sleeps for 10 ms; others sleep for 1 ms again and again.
func busy10ms() sample {
	const tickers, rounds = 8, 50
	var over int32
	results := make(chan []int64)
	for i := 0; i < tickers; i++ {
		go func() {
			var late []int64
			for atomic.LoadInt32(&over) == 0 {
				late = append(late, sleepMeasured(time.Millisecond))
			}
			results <- late
		}()
	}
	go func() {
		for i := 0; i < rounds; i++ {
			for until := time.Now().Add(10 * time.Millisecond); time.Now().Before(until); {
			}
			time.Sleep(10 * time.Millisecond)
		}
		atomic.StoreInt32(&over, 1)
	}()
	var late []int64
	for i := 0; i < tickers; i++ {
		late = append(late, <-results...)
	}
	if len(late) < tickers*rounds {
		log.Fatal("the goroutines did not sleep as often as they should")
	}
	return quantiles("busy_10ms", late)
}

// ---- memory ----

func memoryPerTask(wait func()) sample {
	var ready int64
	runtime.GC()
	before := residentBytes()
	for i := 0; i < memoryTasks; i++ {
		go func() {
			atomic.AddInt64(&ready, 1)
			wait()
		}()
	}
	for atomic.LoadInt64(&ready) < memoryTasks {
		time.Sleep(5 * time.Millisecond)
	}
	time.Sleep(20 * time.Millisecond) // until the last of them waits
	return sample{value: float64(residentBytes()-before) / memoryTasks}
}

func memorySleeping() sample {
	return memoryPerTask(func() { time.Sleep(time.Hour) })
}

func memoryWaiting() sample {
	var ended int64
	wakeUp := make(chan struct{})
	s := memoryPerTask(func() {
		<-wakeUp
		atomic.AddInt64(&ended, 1)
	})
	close(wakeUp)
	for atomic.LoadInt64(&ended) < memoryTasks {
		time.Sleep(5 * time.Millisecond)
	}
	return s
}

func main() {
	harnessMain([]benchmark{
		{"spawn_join_batch", spawnJoinBatch, false},
		{"spawn_join_one", spawnJoinOne, false},
		{"spawn_join_cold", spawnJoinCold, true},
		{"chained_spawn", chainedSpawn, false},
		{"yield_2", yield2, false},
		{"yield_1k", yield1k, false},
		{"yield_100k", yield100k, false},
		{"ping_pong", pingPong, false},
		{"channel_ping_pong", channelPingPong, false},
		{"channel_1_to_1", channel1To1, false},
		{"channel_4_to_1", channel4To1, false},
		{"mutex_uncontended", mutexUncontended, false},
		{"mutex_held_over_yield_8", mutexHeldByOneOf8, false},
		{"rwlock_uncontended", rwlockUncontended, false},
		{"timer_create_cancel", timerCreateCancel, false},
		{"timer_create_fire", timerCreateFire, false},
		{"timer_late", timerLate, true},
		{"busy_10ms", busy10ms, true},
		{"memory_sleeping_bytes", memorySleeping, true},
		{"memory_waiting_bytes", memoryWaiting, true},
	})
}
