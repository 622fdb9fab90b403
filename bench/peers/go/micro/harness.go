// SPDX-License-Identifier: MIT

// Options, passes and output of micro_go: what bench/micro/micro.c is to C.
package main

import (
	"flag"
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
	cold  float64 // of the first pass, in fresh memory; 0: not said
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

// Fewer operations cannot tell what the first ones cost.
const coldMin = 1000

// The first round, which ended at `first`, and the others, where there are any.
func (w watch) coldAndWarmPer(first time.Time, rounds, operations int) sample {
	if rounds == 1 {
		return w.wallPer(operations)
	}
	s := sample{value: float64(time.Since(first).Nanoseconds()) / float64((rounds-1)*operations)}
	if operations >= coldMin {
		s.cold = float64(first.Sub(w.wall).Nanoseconds()) / float64(operations)
	}
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

func printValue(name, suffix string, value float64) {
	if value > 0 {
		fmt.Printf("%s%s %.2f\n", name, suffix, value)
	}
}

func measure(b benchmark, o options) {
	var values, cpu []float64
	var first sample
	end := time.Now().Add(time.Duration(o.seconds * 1e9))
	if !b.once {
		first = b.run()
	}
	for len(values) == 0 || (!b.once && len(values) < o.passes && time.Now().Before(end)) {
		s := b.run()
		if b.once {
			first = s
		}
		values = append(values, s.value)
		cpu = append(cpu, s.cpuNs)
	}
	printValue(b.name, "", median(values))
	printValue(b.name, "_cpu", median(cpu))
	printValue(b.name, "_cold", first.cold)
}

// Each benchmark gets a process of its own, so that none inherits a heap.
func measureInChild(name string, o options) bool {
	child := exec.Command("/proc/self/exe", "--workers", strconv.Itoa(o.workers), "--passes",
		strconv.Itoa(o.passes), "--seconds", fmt.Sprint(o.seconds), "--count", strconv.Itoa(countOr(0)), name)
	child.Stdout, child.Stderr = os.Stdout, os.Stderr
	return child.Run() == nil
}

type options struct {
	workers, passes int
	seconds         float64
	list            bool
	names           []string
}

func parseOptions() options {
	o := options{workers: 1, passes: 5, seconds: 3600}
	flag.IntVar(&o.workers, "workers", o.workers, "GOMAXPROCS")
	flag.IntVar(&o.passes, "passes", o.passes, "how many at most")
	flag.Float64Var(&o.seconds, "seconds", o.seconds, "no new pass after so many")
	flag.IntVar(&countOption, "count", 0, "how many at once")
	flag.BoolVar(&o.list, "list", false, "the names")
	flag.Parse()
	o.names = flag.Args()
	return o
}

func choose(benchmarks []benchmark, names []string) []benchmark {
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
	return chosen
}

func harnessMain(benchmarks []benchmark) {
	o := parseOptions()
	runtime.GOMAXPROCS(o.workers)
	chosen := choose(benchmarks, o.names)
	failed := false
	for _, b := range chosen {
		switch {
		case o.list:
			fmt.Println(b.name)
		case len(chosen) == 1:
			measure(b, o)
		default:
			failed = !measureInChild(b.name, o) || failed
		}
	}
	if failed {
		os.Exit(1)
	}
}
