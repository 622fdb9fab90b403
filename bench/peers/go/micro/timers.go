// SPDX-License-Identifier: MIT

// What timers cost, and what a goroutine that waits takes.
package main

import (
	"runtime"
	"sync"
	"sync/atomic"
	"time"
)

const (
	memoryTasks = 1000000
	timers      = 1000000
)

// A number below `bound` that looks random but is the same in every run.
func scatter(i, bound int) int {
	mixed := (uint64(i) + 1) * 0x9e3779b97f4a7c15
	return int((mixed >> 32) % uint64(bound))
}

func timerCreateCancel() sample {
	count := countOr(timers)
	rounds := roundsOf(2*timers, count)
	all := make([]*time.Timer, count)
	stopped := 0
	w := watchStart()
	first := w.wall
	for round := 0; round < rounds; round++ {
		for i := range all {
			all[i] = time.AfterFunc(time.Duration(60000+scatter(i, 3600000))*time.Millisecond, func() {})
		}
		for i := range all {
			if all[i*611953%count].Stop() { // a prime, so every index comes once
				stopped++
			}
		}
		if round == 0 {
			first = time.Now()
		}
	}
	s := w.coldAndWarmPer(first, rounds, count)
	expect(stopped, rounds*count)
	return s
}

func sleepers(tasks, each, milliseconds int) sample {
	var early, sum int64
	var all sync.WaitGroup
	w := watchStart()
	all.Add(tasks)
	for i := 0; i < tasks; i++ {
		go func(seed int) {
			for j := 0; j < each; j++ {
				duration := time.Duration(1+scatter(seed+j, milliseconds)) * time.Millisecond
				before := time.Now()
				time.Sleep(duration)
				if time.Since(before) < duration {
					atomic.AddInt64(&early, 1)
				}
			}
			atomic.AddInt64(&sum, int64(each))
			all.Done()
		}(i * each)
	}
	all.Wait()
	s := w.wallAndCPUPer(tasks * each)
	expect(int(sum), tasks*each)
	expect(int(early), 0)
	return s
}

func timerCreateFire() sample { return sleepers(50000, 10, 10) }
func sleepers1m() sample      { return sleepers(1000000, 1, 500) }

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
