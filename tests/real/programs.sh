#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What people run on the host's own root works below the default policy, at real work: the
# compiler, python's processes, threads and databases, git's objects, busybox's applets.
# shellcheck disable=SC2016 # the scripts in quotes are for the shells inside
# shellcheck source=tests/real/lib.sh
. "$(dirname "$0")/lib.sh"

need gcc python3 git busybox
mkdir "$tmp/work" && cd "$tmp/work" || exit 1

inside() {
	"$SBX" run "$@"
}

# ---- gcc ------------------------------------------------------------------------------------------

cat >list.h <<'EOT'
int sum(const int *numbers, int count);
EOT
cat >list.c <<'EOT'
#include "list.h"

int sum(const int *numbers, int count)
{
	int total = 0;

	for (int i = 0; i < count; i++)
		total += numbers[i];
	return total;
}
EOT
cat >main.c <<'EOT'
#include "list.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

enum { THREADS = 8, NUMBERS = 1000 };

static void *work(void *argument)
{
	int *numbers = calloc(NUMBERS, sizeof(int));

	for (int i = 0; i < NUMBERS; i++)
		numbers[i] = i % 10;
	*(int *)argument = sum(numbers, NUMBERS);
	free(numbers);
	return NULL;
}

int main(void)
{
	pthread_t threads[THREADS];
	int totals[THREADS], total = 0;

	for (int i = 0; i < THREADS; i++)
		pthread_create(&threads[i], NULL, work, &totals[i]);
	for (int i = 0; i < THREADS; i++) {
		pthread_join(threads[i], NULL);
		total += totals[i];
	}
	printf("%d\n", total);
	return 0;
}
EOT

compile='set -e
gcc -O2 -fPIC -c list.c
ar rcs liblist.a list.o
gcc -shared -o libshared.so list.o
gcc -O2 -pthread main.c -o static-list -L. -llist
gcc -O2 -pthread -flto main.c list.c -o whole
gcc -g -pthread main.c -o dynamic-list -L. -lshared -Wl,-rpath,"$PWD"
gcc -O1 -g -fsanitize=undefined -pthread main.c list.c -o checked
for program in static-list whole dynamic-list checked; do ./"$program"; done'

# ---- python ---------------------------------------------------------------------------------------

cat >work.py <<'EOT'
import asyncio, concurrent.futures, fcntl, mmap, multiprocessing, os, sqlite3, subprocess, sys
import tempfile


def square(number):
    return number * number


def threads():
    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        assert sum(pool.map(square, range(1000))) == 332833500


def processes():
    for method in ("fork", "spawn", "forkserver"):
        with multiprocessing.get_context(method).Pool(2) as pool:
            assert sum(pool.map(square, range(100))) == 328350
    value = multiprocessing.Value("i", 0)
    workers = [multiprocessing.Process(target=add, args=(value,)) for _ in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert value.value == 300


def add(value):
    for _ in range(100):
        with value.get_lock():
            value.value += 1


def shared_memory():
    from multiprocessing.shared_memory import SharedMemory
    block = SharedMemory(create=True, size=4096)
    block.buf[0] = 7
    other = SharedMemory(block.name)
    assert other.buf[0] == 7
    other.close()
    block.close()
    block.unlink()


def database():
    one = sqlite3.connect("work.db")
    one.execute("pragma journal_mode=wal")
    one.execute("create table numbers (n integer primary key, square integer)")
    with one:
        one.executemany("insert into numbers values (?, ?)", ((n, n * n) for n in range(1000)))
    other = sqlite3.connect("work.db")
    assert other.execute("select sum(square) from numbers").fetchone() == (332833500,)


def commands():
    made = subprocess.run(["sort", "-r"], input="a\nb\n", text=True, capture_output=True)
    assert made.stdout == "b\na\n"
    pipe = subprocess.Popen("exec cat", shell=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                            start_new_session=True)
    assert pipe.communicate(b"x")[0] == b"x"


def files():
    with tempfile.TemporaryFile() as file:
        file.truncate(8192)
        fcntl.lockf(file, fcntl.LOCK_EX)
        with mmap.mmap(file.fileno(), 0) as view:
            view[4096] = 1
            view.flush()
        os.posix_fallocate(file.fileno(), 0, 16384)
        os.fsync(file.fileno())
    with open("a", "wb") as a:
        a.write(b"z" * 100000)
    with open("a", "rb") as a, open("b", "wb") as b:
        assert os.copy_file_range(a.fileno(), b.fileno(), 100000) > 0


async def talk():
    async def answer(reader, writer):
        writer.write((await reader.readline()).upper())
        await writer.drain()
        writer.close()

    for place in ({"host": "127.0.0.1", "port": 0}, {"path": "socket"}):
        unix = "path" in place
        server = await (asyncio.start_unix_server if unix else asyncio.start_server)(answer, **place)
        address = server.sockets[0].getsockname()
        reader, writer = await (asyncio.open_unix_connection(address) if unix
                                else asyncio.open_connection(*address[:2]))
        writer.write(b"hello\n")
        assert await reader.readline() == b"HELLO\n"
        writer.close()
        server.close()
    child = await asyncio.create_subprocess_exec("true")
    assert await child.wait() == 0


if __name__ == "__main__":
    threads()
    processes()
    shared_memory()
    database()
    commands()
    files()
    asyncio.run(talk())
    print("worked")
EOT

# ---- git ------------------------------------------------------------------------------------------

history='set -e
export GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@b GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a@b
git init -q -b main first && cd first
for n in 1 2 3 4 5 6 7 8 9; do
	seq "$n" 2000 >numbers && git add numbers && git commit -q -m "number $n"
done
git checkout -q -b side HEAD~3
echo more >more && git add more && git commit -q -m more
git checkout -q main && git merge -q --no-edit side
git gc -q --prune=now && git fsck --strict
cd .. && git clone -q "file://$PWD/first" second && git -C second worktree add -q ../third HEAD~2
cd second && echo new >new && git add new && git commit -q -m new
git push -q origin HEAD:refs/heads/back
git -C ../first bundle create -q ../bundle --all && git clone -q ../bundle fourth -b back
git -C fourth log --oneline | wc -l'

# ---- busybox --------------------------------------------------------------------------------------

applets='set -e
mkdir -p tree/a/b && for n in 1 2 3; do seq $n | sort -rn >tree/a/b/$n; done
tar -czf tree.tar.gz tree && rm -r tree && tar -xzf tree.tar.gz
find tree -type f -exec cat {} + | sort -n | uniq -c | awk "{ s += \$1 * \$2 } END { print s }" >sum
dd if=/dev/zero of=zero bs=64k count=16 2>/dev/null && md5sum zero | cut -c 1-8 >>sum
echo sum | cpio -o -H newc 2>/dev/null | cpio -t 2>/dev/null >>sum
echo sent | nc -l -p 4321 >/dev/null &
until netstat -ltn | grep -q :4321; do sleep 0.1; done
nc 127.0.0.1 4321 </dev/null >>sum; wait
mkfifo pipe && (cat pipe >>sum & echo piped >pipe; wait)
trap "echo ended >>sum" TERM; kill -TERM $$
cat sum'

plan 7

is "gcc builds and what it built runs" "$(inside sh -c "$compile" 2>&1)" "36000
36000
36000
36000"
is "a build with the address sanitizer finds what is freed twice" "$(ASAN_OPTIONS=detect_leaks=0 inside --keep-env=ASAN_OPTIONS sh -c '
	printf "#include <stdlib.h>\nint main(void) { char *p = malloc(9); free(p); free(p); }\n" >twice.c
	gcc -w -O0 -g -fsanitize=address twice.c -o twice && ./twice 2>&1 | grep -c "attempting double-free"' 2>&1)" 1
is "below the policy dev it finds what is leaked" "$(inside --policy dev sh -c '
	printf "#include <stdlib.h>\nint main(void) { return malloc(9) == NULL; }\n" >leak.c
	gcc -O0 -g -fsanitize=address leak.c -o leak && ./leak 2>&1 | grep -c "detected memory leaks"' 2>&1)" 1
is "python has threads, processes, databases and sockets" "$(inside python3 work.py 2>&1)" worked
is "python makes an environment" "$(inside sh -c \
	'python3 -m venv --without-pip env && env/bin/python -c "import sys; print(sys.prefix)"' 2>&1)" "$PWD/env"
is "git commits, merges, collects, clones and pushes" "$(inside sh -c "$history" 2>&1)" 12
is "busybox's applets work together" "$(inside busybox sh -c "$applets" 2>&1)" "10
b6d81b36
sum
sent
piped
ended"
