#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The runtimes that bring their own threads, schedulers and code generators build and run
# programs below the default policy: node and go. Java has a test of its own.
# shellcheck disable=SC2016 # the scripts in quotes are for the shells inside
# shellcheck source=tests/real/lib.sh
. "$(dirname "$0")/lib.sh"

unpack nodejs golang-go

# ---- node -----------------------------------------------------------------------------------------

cat >"$root/work.js" <<'EOT'
const { Worker, isMainThread, parentPort, workerData } = require('worker_threads')
const { execFileSync, fork, spawn } = require('child_process')
const fs = require('fs'), http = require('http'), net = require('net'), zlib = require('zlib')
const assert = require('assert'), crypto = require('crypto')

function work(n) {
	return new Promise((resolve, reject) => {
		new Worker(__filename, { workerData: n }).on('message', resolve).on('error', reject)
	})
}

function child() {
	return new Promise(resolve => {
		const other = fork(__filename, ['child'])
		other.on('message', resolve)
		other.send(20)
	})
}

function ask(server, options) {
	return new Promise((resolve, reject) => {
		http.get(options, answer => {
			let text = ''
			answer.on('data', part => text += part)
			answer.on('end', () => resolve(text))
		}).on('error', reject)
	})
}

function listen(where) {
	const server = http.createServer((request, answer) => answer.end('page ' + request.url))
	return new Promise(resolve => server.listen(where, () => resolve(server)))
}

async function main() {
	assert.deepStrictEqual(await Promise.all([1, 2, 3, 4].map(work)), [1, 4, 9, 16])
	assert.strictEqual(await child(), 40)
	assert.strictEqual(execFileSync('sort', { input: 'b\na\n' }).toString(), 'a\nb\n')
	const tcp = await listen({ port: 0, host: '127.0.0.1' })
	assert.strictEqual(await ask(tcp, { host: '127.0.0.1', port: tcp.address().port, path: '/x' }), 'page /x')
	tcp.close()
	const unix = await listen({ path: '/tmp/socket' })
	assert.strictEqual(await ask(unix, { socketPath: '/tmp/socket', path: '/y' }), 'page /y')
	unix.close()
	const watched = new Promise(resolve => fs.watch('/tmp', (event, name) => name === 'new' && resolve()))
	fs.writeFileSync('/tmp/new', zlib.gzipSync(crypto.randomBytes(1 << 20)))
	await watched
	await fs.promises.copyFile('/tmp/new', '/tmp/copy')
	assert(fs.readFileSync('/tmp/new').equals(fs.readFileSync('/tmp/copy')))
	const wasm = new WebAssembly.Module(new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0]))
	assert(new WebAssembly.Instance(wasm))
	console.log('worked')
	process.exit()
}

if (!isMainThread)
	parentPort.postMessage(workerData * workerData)
else if (process.argv[2] === 'child')
	process.on('message', n => { process.send(2 * n); process.disconnect() })
else
	main()
EOT

# ---- go -------------------------------------------------------------------------------------------

mkdir -p "$root/module/list"
printf 'module example.org/module\n\ngo 1.18\n' >"$root/module/go.mod"
cat >"$root/module/list/list.go" <<'EOT'
// Package list sums.
package list

import "sync"

// Sum adds the numbers of all lists, each in a goroutine of its own.
func Sum(lists ...[]int) int {
	var group sync.WaitGroup
	totals := make(chan int, len(lists))
	for _, list := range lists {
		group.Add(1)
		go func(list []int) {
			defer group.Done()
			total := 0
			for _, number := range list {
				total += number
			}
			totals <- total
		}(list)
	}
	group.Wait()
	close(totals)
	sum := 0
	for total := range totals {
		sum += total
	}
	return sum
}
EOT
cat >"$root/module/list/list_test.go" <<'EOT'
package list

import (
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"os/signal"
	"syscall"
	"testing"
	"time"
)

func TestSum(t *testing.T) {
	if Sum([]int{1, 2}, []int{3}, nil) != 6 {
		t.Fatal("not 6")
	}
}

func TestServer(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, "page")
	}))
	defer server.Close()
	answer, err := http.Get(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	if text, _ := io.ReadAll(answer.Body); string(text) != "page" {
		t.Fatal(string(text))
	}
}

func TestProcesses(t *testing.T) {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGUSR1)
	if err := exec.Command("sh", "-c", "kill -USR1 $PPID").Run(); err != nil {
		t.Fatal(err)
	}
	select {
	case <-signals:
	case <-time.After(10 * time.Second):
		t.Fatal("no signal")
	}
}
EOT
cat >"$root/module/main.go" <<'EOT'
package main

import (
	"fmt"

	"example.org/module/list"
)

func main() {
	fmt.Println(list.Sum([]int{1, 2, 3}, []int{4}))
}
EOT

plan 2

is "node has workers, children, servers and watches" "$(job 'node /work.js')" worked
is "go tests and builds a module" "$(job 'cp -r /module . && cd module &&
	export GOFLAGS=-mod=mod GOPROXY=off CGO_ENABLED=0 GOCACHE=/tmp/cache &&
	/usr/lib/go-*/bin/go test ./list | cut -c 1-2 &&
	/usr/lib/go-*/bin/go build -o main . && ./main')" "ok
10"
