// SPDX-License-Identifier: MIT

// What it costs to spawn goroutines and wait for them.
package main

import (
	"sync"
	"time"
)

func spawnJoin(batches, tasks int) sample {
	results := make([]int, tasks)
	w := watchStart()
	first := w.wall
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
		if batch == 0 {
			first = time.Now()
		}
	}
	s := w.coldAndWarmPer(first, batches, tasks)
	expect(sum, batches*(tasks*(tasks-1)/2))
	return s
}

func spawnJoinBatch() sample {
	count := countOr(1000)
	return spawnJoin(roundsOf(1000000, count), count)
}

func spawnJoin100k() sample { return spawnJoin(6, 100000) }

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
	const rounds, links = 300, 1000
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
