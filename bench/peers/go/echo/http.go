// SPDX-License-Identifier: MIT

// HTTP-shaped requests and answers, as bench/peers/http.h says.
package main

import (
	"bytes"
	"net"
)

const (
	inBytes   = 4096
	bodyBytes = 1024
	head      = "HTTP/1.1 200 OK\r\nServer: bench\r\nContent-Type: text/plain\r\n" +
		"Content-Length: 1024\r\nConnection: keep-alive\r\n\r\n"
)

var filler = bytes.Repeat([]byte("."), bodyBytes)

// The path of a request's first line; nil: it is none.
func parseLine(line []byte) []byte {
	path := bytes.TrimPrefix(line, []byte("GET "))
	if len(path) == len(line) || len(path) == 0 || path[0] != '/' {
		return nil
	}
	space := bytes.IndexByte(path, ' ')
	if space < 0 || space > bodyBytes/2 || string(path[space:]) != " HTTP/1.1" {
		return nil
	}
	return path[:space]
}

// The path, and how long the request is: 0 if it is not there as a whole; nil and -1: this is none.
func parseRequest(in []byte) ([]byte, int) {
	var path []byte
	for used := 0; ; {
		end := bytes.IndexByte(in[used:], '\n')
		if end < 0 && len(in) == inBytes {
			return nil, -1
		}
		if end < 0 {
			return nil, 0
		}
		line := in[used : used+end]
		used += end + 1
		if len(line) == 0 || line[len(line)-1] != '\r' {
			return nil, -1
		}
		line = line[:len(line)-1]
		switch {
		case path == nil:
			if path = parseLine(line); path == nil {
				return nil, -1
			}
		case len(line) == 0:
			return path, used
		case bytes.IndexByte(line, ':') < 0:
			return nil, -1
		}
	}
}

func appendAnswer(out, path []byte) []byte {
	out = append(out, head...)
	out = append(out, path...)
	out = append(out, filler[:bodyBytes-1-len(path)]...)
	return append(out, '\n')
}

func serveHTTP(conn net.Conn) {
	defer conn.Close()
	in := make([]byte, inBytes)
	var out []byte
	for count := 0; ; {
		n, err := conn.Read(in[count:])
		if err != nil {
			return
		}
		count += n
		used := 0
		out = out[:0]
		for {
			path, length := parseRequest(in[used:count])
			if length < 0 {
				return
			}
			if length == 0 {
				break
			}
			out = appendAnswer(out, path)
			used += length
		}
		count = copy(in, in[used:count])
		if len(out) == 0 {
			continue
		}
		if _, err := conn.Write(out); err != nil {
			return
		}
	}
}
