// SPDX-License-Identifier: MIT

// What channels and locks cost.
package main

import (
	"runtime"
	"sync"
	"time"
)

func channelPingPong() sample {
	const rounds = 300000
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

// A message to one of many channels after the other, each of which has a goroutine that receives.
func channelOf1k() sample {
	count := countOr(1000)
	rounds := roundsOf(1000000, count)
	channels := make([]chan int, count)
	sums := make(chan int, 100)
	for i := range channels {
		channel := make(chan int, 1)
		channels[i] = channel
		go func() {
			sum := 0
			for got := range channel {
				sum += got
			}
			sums <- sum
		}()
	}
	runtime.Gosched()
	w := watchStart()
	for round := 0; round < rounds; round++ {
		for i, channel := range channels {
			channel <- i
		}
	}
	for _, channel := range channels {
		close(channel)
	}
	total := 0
	for range channels {
		total += <-sums
	}
	s := w.wallPer(rounds * count)
	expect(total, rounds*(count*(count-1)/2))
	return s
}

func mutexUncontended() sample {
	const rounds = 2000000
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
	const rounds = 2000000
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
	const tasks, each = 8, 25000
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

// ---- select over four channels, of which one is ready, in turns ----

func select4() sample {
	const selects = 300000
	var channels [4]chan struct{}
	for i := range channels {
		channels[i] = make(chan struct{}, 1)
	}
	won := 0
	w := watchStart()
	for i := 0; i < selects; i++ {
		channels[i%4] <- struct{}{}
		winner := 0
		select {
		case <-channels[0]:
		case <-channels[1]:
			winner = 1
		case <-channels[2]:
			winner = 2
		case <-channels[3]:
			winner = 3
		}
		if winner == i%4 {
			won++
		}
	}
	s := w.wallAndCPUPer(selects)
	expect(won, selects)
	return s
}

// A channel with room for one, made for one value: what a oneshot is elsewhere.
func oneshotReady() sample {
	const handed = 2000000
	sum := 0
	w := watchStart()
	for i := 0; i < handed; i++ {
		channel := make(chan int, 1)
		channel <- i
		sum += <-channel
	}
	s := w.wallPer(handed)
	expect(sum, handed*(handed-1)/2)
	return s
}

// Channels with room for one message, all there at once; each carries one. The collector takes them.
func channelCreate100k() sample {
	const rounds, count = 6, 100000
	sum := 0
	w := watchStart()
	first := w.wall
	for round := 0; round < rounds; round++ {
		channels := make([]chan int, count)
		for i := range channels {
			channels[i] = make(chan int, 1)
			channels[i] <- i
			sum += <-channels[i]
		}
		if round == 0 {
			first = time.Now()
		}
	}
	s := w.coldAndWarmPer(first, rounds, count)
	expect(sum, rounds*(count*(count-1)/2))
	return s
}

// Channels with room for one message, which each has carried once.
func memoryIdleChannel() sample {
	const count = 300000
	runtime.GC()
	before := residentBytes()
	channels := make([]chan int, count)
	sum := 0
	for i := range channels {
		channels[i] = make(chan int, 1)
		channels[i] <- i
		sum += <-channels[i]
	}
	s := sample{value: float64(residentBytes()-before) / count}
	expect(sum, count*(count-1)/2)
	runtime.KeepAlive(channels)
	return s
}
