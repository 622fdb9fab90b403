// SPDX-License-Identifier: MIT

// echo_go [--http] PORT: an echo server as most are written in Go: a goroutine and a buffer of 16 KiB for
// each connection. Ends with status 0 at SIGTERM.
package main

import (
	"fmt"
	"log"
	"net"
	"os"
	"os/signal"
	"syscall"
)

// Go sets TCP_NODELAY, and raises the limit of open files from 1.19 on.
func serve(conn net.Conn) {
	defer conn.Close()
	buffer := make([]byte, 16*1024)
	for {
		n, err := conn.Read(buffer)
		if err != nil {
			return
		}
		if _, err := conn.Write(buffer[:n]); err != nil {
			return
		}
	}
}

func main() {
	http := len(os.Args) == 3 && os.Args[1] == "--http"
	if !http && len(os.Args) != 2 {
		log.Fatal("usage: echo_go [--http] PORT")
	}
	listener, err := net.Listen("tcp4", "127.0.0.1:"+os.Args[len(os.Args)-1])
	if err != nil {
		log.Fatal(err)
	}
	end := make(chan os.Signal, 1)
	signal.Notify(end, syscall.SIGTERM, syscall.SIGINT)
	fmt.Printf("listening %d\n", listener.Addr().(*net.TCPAddr).Port)
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				log.Fatal(err)
			}
			if http {
				go serveHTTP(conn)
			} else {
				go serve(conn)
			}
		}
	}()
	<-end
}
