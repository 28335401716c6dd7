#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# --record, --expect and --repeat, on the host's root, a directory and an archive. R2, R49.
# shellcheck source=tests/image/lib.sh
. "$(dirname "$0")/lib.sh"

make_images root.tar
plan 32
schema=$image_here/../../docs/schema/record.json
here=$image_here/../sandbox

pure() {
	timeout -s KILL 60 "$SBX" run --pure "$@" 2>&1
}

member() { # FILE EXPRESSION: of the document d
	python3 -c 'import json, sys; d = json.load(open(sys.argv[1])); print(eval(sys.argv[2]))' "$1" "$2"
}

same_member() { # MEMBER FILE FILE
	[ -s "$2" ] && [ -s "$3" ] && [ "$(member "$2" "d['$1']")" = "$(member "$3" "d['$1']")" ]
}

# ---- the host's root ------------------------------------------------------------------------

mkdir tree
cd tree || exit 1
echo old >changed
echo gone >removed
before=$(snapshot .)
# shellcheck disable=SC2016 # for the shell inside
script='echo new >changed; rm removed; mkdir made; ln changed made/link; ln -s nowhere made/soft
	chmod 600 changed; mkfifo made/fifo; date +%N >/tmp/not-counted; exit 3'

pure --record ../one.json -- sh -c "$script" </dev/null
is 'the status is that of the command' "$?" 3
pure --record ../two.json -- sh -c "$script" </dev/null
is 'the source is as it was' "$(snapshot .)" "$before"
cd .. || exit 1
ok 'a record fits its schema' python3 "$here/validate.py" "$schema" <one.json
ok 'two runs have one output digest' same_member output_digest one.json two.json
ok 'and one set-up digest' same_member setup_digest one.json two.json
is 'the exit status is in it' "$(member one.json "d['exit_status']")" 3
is 'what was written is in it, and nothing else' \
	"$(member one.json "[(f['path'].split('/tree', 1)[1], f['type']) for f in d['files']]")" \
	"[('', 'directory'), ('/changed', 'file'), ('/made', 'directory'), ('/made/fifo', 'fifo'), ('/made/link', 'hard link'), ('/made/soft', 'symlink'), ('/removed', 'whiteout')]"
is 'with the digest of the content' "$(member one.json "[f['sha256'] for f in d['files'] if f['path'].endswith('changed')][0]")" \
	"$(echo new | sha256sum | cut -d ' ' -f 1)"
is 'and the owner as the command sees it' "$(member one.json "d['files'][0]['uid']")" 1000

cd tree || exit 1
pure --record ../three.json -- sh -c "$script; :" </dev/null
pure --record ../four.json -e X=1 -- sh -c "$script" </dev/null
echo other >changed
pure --record ../five.json -- sh -c "$script" </dev/null
cd .. || exit 1
for file in three four five; do
	fails "another command, variable, input: another set-up ($file)" 1 same_member setup_digest one.json $file.json
done
ok 'and the same output' same_member output_digest one.json five.json

mkdir out
pure --cwd off --rw out --record six.json -w / -- sh -c "echo 1 >$PWD/out/x" </dev/null
is 'what is written through is named as not covered' "$(member six.json "d['not_covered']")" "['$PWD/out']"

# ---- --expect -------------------------------------------------------------------------------

cd tree || exit 1
pure --expect ../one.json -- sh -c "$script" </dev/null
is '--expect FILE: what was expected: the status is the command'\''s' "$?" 3
pure --expect "$(member ../one.json "d['output_digest']")" -- sh -c "$script" </dev/null
is '--expect DIGEST' "$?" 3
said=$(pure --expect ../one.json -- sh -c 'echo more >more' </dev/null)
is 'something else is 123' "$?" 123
like 'and both digests are told' "$said" '*its digest is sha256:*, not sha256:*'
cd .. || exit 1

# ---- --repeat -------------------------------------------------------------------------------

cd tree || exit 1
is 'what the first run prints is shown once' "$(echo in | pure --repeat 3 -- sh -c 'cat; echo out >f')" in
pure --repeat 2 -- sh -c "$script" </dev/null
is 'runs that are the same end as the command' "$?" 3
said=$(pure --repeat 3 -- sh -c 'echo a >a; date +%N >b; echo c >c' </dev/null)
is 'runs that differ end with 123' "$?" 123
like 'the file is named' "$said" '*run 2: the content of */tree/b differs*'
like 'so is one that only one run has' "$(pure --repeat 2 -- sh -c 'mktemp -p .' </dev/null)" \
	'*cannot repeat the run: run 2: *'
like 'and a standard output that differs' "$(pure --repeat 2 -- date +%N </dev/null)" \
	'*run 2: the standard output differs*'
printf 'first\nsecond\n' >../input
is 'an input that is a file is read from its offset each time' \
	"$({ read -r _; pure --repeat 2 -- cat; } <../input)" second
cd .. || exit 1

# ---- other roots ----------------------------------------------------------------------------

root=root.tar
for where in "" --no-cache; do
	# shellcheck disable=SC2086 # no option, or one
	pure $where -R "$images/$root" --repeat 2 --record "image$where.json" -- \
		/bin/busybox sh -c 'echo x >/new; echo y >>/bin/added' </dev/null
	is "an archive${where:+ with $where}" "$?" 0
done
ok 'in the cache and in memory: the same set-up' same_member setup_digest image.json image--no-cache.json
ok 'and the same output' same_member output_digest image.json image--no-cache.json
is 'its digest is known' "$(member image.json "d['input']['root']['digest']")" \
	"sha256:$(sha256sum <"$images/$root" | cut -d ' ' -f 1)"

mkdir -p root/bin
cp "$busybox" root/bin/busybox
said=$(pure -R root --repeat 2 -- /bin/busybox sh -c 'echo x >/new' </dev/null)
is 'a directory' "$? $said" '0 '
fails 'a directory that is written through is not repeated' 125 pure -R root --root-mode rw --repeat 2 -- /bin/busybox true
