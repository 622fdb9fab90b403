// SPDX-License-Identifier: MIT

// Options, passes and output of micro_go: what bench/micro/micro.c is to C.
package main

import (
	"fmt"
	"log"
	"os"
	"os/exec"
	"runtime"
	"sort"
	"strconv"
	"strings"
	"syscall"
	"time"
)

type sample struct {
	value float64
	cpuNs float64 // 0: not said
}

type benchmark struct {
	name string
	run  func() sample
	once bool
}

var countOption int

// How many at once: what --count says, else `otherwise`.
func countOr(otherwise int) int {
	if countOption > 0 {
		return countOption
	}
	return otherwise
}

// How often `count` makes `total` operations, and at least once.
func roundsOf(total, count int) int {
	if total > count {
		return total / count
	}
	return 1
}

type watch struct {
	wall  time.Time
	cpuNs int64
}

func processCPUNs() int64 {
	var usage syscall.Rusage
	syscall.Getrusage(syscall.RUSAGE_SELF, &usage)
	return usage.Utime.Nano() + usage.Stime.Nano()
}

func watchStart() watch {
	return watch{cpuNs: processCPUNs(), wall: time.Now()}
}

func (w watch) wallPer(operations int) sample {
	return sample{value: float64(time.Since(w.wall).Nanoseconds()) / float64(operations)}
}

func (w watch) wallAndCPUPer(operations int) sample {
	s := w.wallPer(operations)
	s.cpuNs = float64(processCPUNs()-w.cpuNs) / float64(operations)
	return s
}

// Prints NAME_p50, _p90, _p999 and _max, and returns p99.
func quantiles(name string, values []int64) sample {
	sort.Slice(values, func(i, j int) bool { return values[i] < values[j] })
	count := len(values)
	fmt.Printf("%s_p50 %d\n", name, values[count/2])
	fmt.Printf("%s_p90 %d\n", name, values[count*9/10])
	fmt.Printf("%s_p999 %d\n", name, values[count*999/1000])
	fmt.Printf("%s_max %d\n", name, values[count-1])
	return sample{value: float64(values[count*99/100])}
}

func residentBytes() int {
	rollup, err := os.ReadFile("/proc/self/smaps_rollup")
	if err != nil {
		log.Fatal(err)
	}
	for _, line := range strings.Split(string(rollup), "\n") {
		if words := strings.Fields(line); len(words) > 1 && words[0] == "Rss:" {
			kib, _ := strconv.Atoi(words[1])
			return kib * 1024
		}
	}
	log.Fatal("no resident memory")
	return 0
}

// Work that was not done, or done twice, invalidates the measurement.
func expect(got, wanted int) {
	if got != wanted {
		log.Fatalf("the work was not done: %d instead of %d", got, wanted)
	}
}

func median(values []float64) float64 {
	sort.Float64s(values)
	return (values[(len(values)-1)/2] + values[len(values)/2]) / 2
}

func measure(b benchmark, passes int) {
	var values, cpu []float64
	if b.once {
		passes = 1
	} else {
		b.run()
	}
	for i := 0; i < passes; i++ {
		s := b.run()
		values = append(values, s.value)
		cpu = append(cpu, s.cpuNs)
	}
	fmt.Printf("%s %.2f\n", b.name, median(values))
	if cpu[0] > 0 {
		fmt.Printf("%s_cpu %.2f\n", b.name, median(cpu))
	}
}

// Each benchmark gets a process of its own, so that none inherits a heap.
func measureInChild(name string, workers, passes int) bool {
	child := exec.Command("/proc/self/exe", "--workers", strconv.Itoa(workers), "--passes",
		strconv.Itoa(passes), "--count", strconv.Itoa(countOr(0)), name)
	child.Stdout, child.Stderr = os.Stdout, os.Stderr
	return child.Run() == nil
}

func usage() {
	fmt.Fprintln(os.Stderr, "usage: micro_go [--workers N] [--passes N] [--count N] [--list] [NAME...]")
	os.Exit(2)
}

func harnessMain(benchmarks []benchmark) {
	workers, passes, list := 1, 5, false
	var names []string

	for i := 1; i < len(os.Args); i++ {
		number := 0
		if i+1 < len(os.Args) {
			number, _ = strconv.Atoi(os.Args[i+1])
		}
		switch {
		case os.Args[i] == "--list":
			list = true
		case os.Args[i] == "--workers" && number > 0:
			workers = number
			i++
		case os.Args[i] == "--passes" && number > 0:
			passes = number
			i++
		case os.Args[i] == "--count":
			countOption = number
			i++
		case strings.HasPrefix(os.Args[i], "-"):
			usage()
		default:
			names = append(names, os.Args[i])
		}
	}
	runtime.GOMAXPROCS(workers)
	var chosen []benchmark
	for _, b := range benchmarks {
		wanted := len(names) == 0
		for _, name := range names {
			wanted = wanted || name == b.name
		}
		if wanted {
			chosen = append(chosen, b)
		}
	}
	if len(chosen) == 0 || len(chosen) < len(names) {
		log.Fatal("no such benchmark")
	}
	failed := false
	for _, b := range chosen {
		switch {
		case list:
			fmt.Println(b.name)
		case len(chosen) == 1:
			measure(b, passes)
		default:
			failed = !measureInChild(b.name, workers, passes) || failed
		}
	}
	if failed {
		os.Exit(1)
	}
}
