#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# `sbx policy learn`: what was learned from real programs runs them again, and no more.
. "$(dirname "$0")/lib.sh"

export XDG_CONFIG_HOME="$tmp/config"
own_place

# learn FILE COMMAND...: watched; what it says is thrown away
learn() {
	file=$1
	shift
	timeout -s KILL 120 "$SBX" policy learn -o "$file" -- "$@" >"$tmp/said" 2>&1 </dev/null
}

# again FILE COMMAND...: the same under what was learned
again() {
	file=$1
	shift
	timeout -s KILL 120 "$SBX" run --policy "$file" -- "$@" </dev/null
}

# works NAME COMMAND...: learned, checked, shown, and run again
works() {
	name=$1
	shift
	ok "$name is learned" learn "./$name.sbx" "$@"
	ok "what $name taught is without doubts" "$SBX" policy check "./$name.sbx"
	ok "what $name taught can be shown" "$SBX" policy show "./$name.sbx"
	ok "$name runs under it" again "./$name.sbx" "$@"
}

has() { # FILE TEXT
	grep -qF -- "$2" "$1"
}

lacks() { # FILE TEXT
	! grep -qF -- "$2" "$1"
}

# landlock: whether the kernel restricts files
landlock() {
	"$SBX" run --landlock require -- true >/dev/null 2>&1
}

plan 41

# ---- programs ----

cat >git.sh <<'END'
set -e
export GIT_CONFIG_GLOBAL=/dev/null GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@b GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a@b
git init -q repo
cd repo
for i in 1 2 3; do
	echo $i >"f $i"
	git add .
	git commit -qm $i
done
git clone -q . ../copy
cd ../copy
git gc -q
git status -s
END
cat >gcc.sh <<'END'
set -e
mkdir "a b"
cd "a b"
echo 'int f(void) { return 0; }' >f.c
echo 'int f(void); int main(void) { return f(); }' >main.c
gcc -c f.c & gcc -c main.c
wait
gcc -o main main.o f.o
./main
END
cat >python.py <<'END'
import ctypes, os, sqlite3, subprocess, sys, tempfile, threading
threads = [threading.Thread(target=os.getpid) for _ in range(8)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
subprocess.run(["sh", "-c", "exit 0"], check=True)
sqlite3.connect("x.db").execute("create table a (b)")
with tempfile.TemporaryDirectory() as place:
    open(place + "/x", "w").write("x")
END
for program in git gcc; do
	if command -v "$program" >/dev/null; then
		works "$program" sh "./$program.sh"
	else
		for part in learned checked shown "run again"; do
			skip "$program is $part" "there is no $program"
		done
	fi
done
python=/usr/bin/python3
if [ -x "$python" ]; then
	works python "$python" ./python.py
	again ./python.sbx "$python" -c 'import ctypes; c = ctypes.CDLL(None, use_errno=True); c.ptrace(16, 1, 0, 0); print(ctypes.get_errno())' >denied 2>&1
	like "a call that python did not make is refused" "$(cat denied)" "*1"
	if landlock; then
		fails "so is a file that it did not open" 1 again ./python.sbx "$python" -c 'open("/etc/hostname")'
	else
		skip "so is a file that it did not open" "this kernel has no Landlock"
	fi
else
	for part in 1 2 3 4 5 6; do
		skip "python, part $part" "there is no python3"
	done
fi

# ---- where it goes ----

"$SBX" policy learn -- echo word >p.sbx 2>said
is "without -o the command's output goes to the standard error" "$(cat said)" word
is "and the policy to the standard output" "$(head -n 1 p.sbx)" "%sbx-policy 1"
ok "it is a policy" again ./p.sbx echo word

ok "one run" learn ./two.sbx sh -c 'cat /etc/passwd'
ok "another adds to it" learn ./two.sbx sh -c 'mkdir x'
ok "both are in it" has ./two.sbx "/etc/passwd"
ok "the second too" has ./two.sbx "mkdir"

"$SBX" policy learn -o r.sbx --report r.txt -- ls / >/dev/null 2>&1
ok "a report is text" has r.txt "System calls"
"$SBX" policy learn -o r.sbx --report r.html -- sh -c ': "<script>"' >/dev/null 2>&1
ok "or a page" has r.html "<!DOCTYPE html>"
ok "what is foreign in it is escaped" lacks r.html "<script>"
ok "to list a directory is not to read what is in it" has r.sbx "ls = /?"

# ---- what holds meanwhile ----

"$SBX" policy learn -o b.sbx --policy default-uname-mkdir-mkdirat -- sh -c 'uname; mkdir y; :' >said 2>&1
like "what the base denies stays denied" "$(cat said)" "*uname*mkdir*"
ok "and is listed" has b.sbx "denied by the base policy: uname"
ok "its answer is kept" has b.sbx "mkdir: return EPERM"
ok "which is no contradiction" "$SBX" policy check ./b.sbx

# ---- ends ----

fails "a command that is missing is 127" 127 learn ./none.sbx /is/not/there
ok "and teaches nothing" test ! -e none.sbx
fails "the status is the command's" 7 learn ./seven.sbx sh -c 'exit 7'
ok "what it did was learned" test -s seven.sbx
timeout -s INT 2 "$SBX" policy learn -o int.sbx -- sleep 20 >/dev/null 2>&1 </dev/null
ok "so is what was seen before an interruption" test -s int.sbx

echo "getpid: allow" >mine.sbx
fails "a policy that was not learned is left alone" 125 learn ./mine.sbx touch ran
is "as it was" "$(cat mine.sbx)" "getpid: allow"
fails "gVisor answers itself: nothing is learned there" 125 \
	"$SBX" policy learn -o ./gvisor.sbx --runtime runsc --net none -- touch ran
[ ! -e gvisor.sbx ]
result $? "and nothing is written"
fails "where nothing can be written nothing runs" 125 learn /proc/x.sbx touch ran

# ---- where it is written is settled before the command runs ----

mkdir -p "$tmp/place/here" "$tmp/place/there" && cd "$tmp/place" || exit 1
"$SBX" policy learn -o here/p.sbx --rw . -- sh -c 'mv here moved; ln -s there here' >/dev/null 2>&1
[ -s moved/p.sbx ] && [ ! -e there/p.sbx ]
result $? "a link that the command makes does not lead the policy elsewhere"

# ---- on a terminal, where a run explains by itself ----

script -qec "'$SBX' policy learn -o terminal.sbx -- true" /dev/null </dev/null >"$tmp/said" 2>&1
[ -s terminal.sbx ]
result $? "a command is learned from on a terminal too" || say "$(cat "$tmp/said")"
