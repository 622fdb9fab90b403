// SPDX-License-Identifier: MIT

// How late what is due comes: with nothing else to do, beside a goroutine that computes, and while one
// thread is stuck.
package main

import (
	"encoding/binary"
	"fmt"
	"io"
	"log"
	"net"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

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

// ---- one thread is stuck in a system call ----

const stuckRounds, stuckEach = 5, 4

// How often something came, and how late it was at worst.
type delays struct{ seen, worstNs int64 }

func (d *delays) note(due time.Time) {
	late := time.Since(due).Nanoseconds()
	atomic.AddInt64(&d.seen, 1)
	for worst := atomic.LoadInt64(&d.worstNs); late > worst; worst = atomic.LoadInt64(&d.worstNs) {
		if atomic.CompareAndSwapInt64(&d.worstNs, worst, late) {
			return
		}
	}
}

func (d *delays) print(name string) {
	if d.seen < stuckRounds*stuckEach {
		log.Fatalf("%s: %d came", name, d.seen)
	}
	fmt.Printf("%s %d\n", name, d.worstNs)
}

// Reads when each message was sent.
func stuckRead(conn net.Conn, begin time.Time, d *delays) {
	var sent [8]byte
	for {
		if _, err := io.ReadFull(conn, sent[:]); err != nil {
			return
		}
		d.note(begin.Add(time.Duration(binary.LittleEndian.Uint64(sent[:]))))
	}
}

// Starts some goroutines, and sleeps in a system call.
func stuckStay(all *sync.WaitGroup, d *delays) {
	all.Add(stuckEach)
	for i := 0; i < stuckEach; i++ {
		due := time.Now()
		go func() {
			d.note(due)
			all.Done()
		}()
	}
	for pause := (syscall.Timespec{Nsec: 200e6}); syscall.Nanosleep(&pause, &pause) == syscall.EINTR; {
	}
}

// Go has no threads beside its goroutines, so one of them sends; the delay counts from its sending on.
func stuckSend(conns []net.Conn, begin time.Time, over *int32, all *sync.WaitGroup) {
	var sent [8]byte
	for atomic.LoadInt32(over) == 0 {
		for _, conn := range conns {
			binary.LittleEndian.PutUint64(sent[:], uint64(time.Since(begin)))
			if _, err := conn.Write(sent[:]); err != nil {
				log.Fatal(err)
			}
		}
		time.Sleep(time.Millisecond)
	}
	for _, conn := range conns {
		conn.Close()
	}
	all.Done()
}

func stuck() sample {
	var socket, timer, wake delays
	var over int32
	var all sync.WaitGroup
	var conns []net.Conn
	begin := time.Now()
	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	for i := 0; i < stuckEach; i++ {
		out, err := net.Dial("tcp4", listener.Addr().String())
		if err != nil {
			log.Fatal(err)
		}
		in, err := listener.Accept()
		if err != nil {
			log.Fatal(err)
		}
		conns = append(conns, out)
		all.Add(2)
		go func() {
			stuckRead(in, begin, &socket)
			all.Done()
		}()
		go func() {
			for atomic.LoadInt32(&over) == 0 {
				due := time.Now().Add(time.Millisecond)
				time.Sleep(time.Millisecond)
				timer.note(due)
			}
			all.Done()
		}()
	}
	all.Add(1)
	go stuckSend(conns, begin, &over, &all)
	for i := 0; i < stuckRounds; i++ {
		time.Sleep(20 * time.Millisecond)
		stuckStay(&all, &wake)
	}
	atomic.StoreInt32(&over, 1)
	all.Wait()
	socket.print("stuck_socket")
	timer.print("stuck_timer")
	wake.print("stuck_wake")
	return sample{}
}
