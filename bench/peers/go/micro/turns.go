// SPDX-License-Identifier: MIT

// What a turn costs, a message there and back, and calls inside calls.
package main

import (
	"runtime"
	"sync"
	"sync/atomic"
)

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

func yield2() sample { return yields(2, 1000000) }
func yield1k() sample {
	count := countOr(1000)
	return yields(count, roundsOf(2000000, count)*count)
}
func yield100k() sample { return yields(100000, 2000000) }

func ping(sum *int64, all *sync.WaitGroup) {
	out, back := make(chan int, 1), make(chan int, 1)
	go func() { back <- <-out + 1 }()
	out <- 1
	atomic.AddInt64(sum, int64(<-back))
	all.Done()
}

func pingPong() sample {
	const rounds, pings = 100, 1000
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

// ---- nested calls: plain ones, as there are no others ----

const ready, yielding = 500000, 300000

func nested0(yields bool, i int) int {
	if yields {
		runtime.Gosched()
	}
	return i
}

func nested1(yields bool, i int) int  { return nested0(yields, i) + 1 }
func nested2(yields bool, i int) int  { return nested1(yields, i) + 1 }
func nested3(yields bool, i int) int  { return nested2(yields, i) + 1 }
func nested4(yields bool, i int) int  { return nested3(yields, i) + 1 }
func nested5(yields bool, i int) int  { return nested4(yields, i) + 1 }
func nested6(yields bool, i int) int  { return nested5(yields, i) + 1 }
func nested7(yields bool, i int) int  { return nested6(yields, i) + 1 }
func nested8(yields bool, i int) int  { return nested7(yields, i) + 1 }
func nested9(yields bool, i int) int  { return nested8(yields, i) + 1 }
func nested10(yields bool, i int) int { return nested9(yields, i) + 1 }
func nested11(yields bool, i int) int { return nested10(yields, i) + 1 }
func nested12(yields bool, i int) int { return nested11(yields, i) + 1 }
func nested13(yields bool, i int) int { return nested12(yields, i) + 1 }
func nested14(yields bool, i int) int { return nested13(yields, i) + 1 }
func nested15(yields bool, i int) int { return nested14(yields, i) + 1 }
func nested16(yields bool, i int) int { return nested15(yields, i) + 1 }
func nested17(yields bool, i int) int { return nested16(yields, i) + 1 }
func nested18(yields bool, i int) int { return nested17(yields, i) + 1 }
func nested19(yields bool, i int) int { return nested18(yields, i) + 1 }
func nested20(yields bool, i int) int { return nested19(yields, i) + 1 }

func nested(call func(bool, int) int, yields bool, count, depth int) func() sample {
	return func() sample {
		sum := 0
		w := watchStart()
		for i := 0; i < count; i++ {
			sum += call(yields, i)
		}
		s := w.wallPer(count)
		expect(sum, count*(count-1)/2+count*depth)
		return s
	}
}
