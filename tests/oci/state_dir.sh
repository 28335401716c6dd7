#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A state directory that is not as it should be: read-only, full, of somebody else, with links,
# pipes and forged records in it, and several runtimes at once at one id. What is not ours is
# never killed, removed or followed, and nobody waits for ever.
# shellcheck disable=SC2016 # the scripts in quotes are for other shells
# shellcheck source=tests/oci/lib.sh
. "$(dirname "$0")/lib.sh"

bundle true '.process.args = ["true"]'
quick=$bundle
bundle sleep '.process.args = ["sleep", "60"]'
limit=15

# within SECONDS... the runtime says no in time: no status of timeout(1)
in_time() { # DESCRIPTION ARG...
	description=$1
	shift
	said=$(oci "$@")
	got=$?
	[ "$got" -lt 124 ]
	result $? "$description" || say "status $got: $said"
}

plan 83

# ---- no place ---------------------------------------------------------------------------------------

normal=$state
state=$tmp/other
if [ "$(id -u)" = 0 ]; then
	skip 'read-only: create says where' 'root writes anywhere'
	skip 'read-only: and list works' 'root writes anywhere'
else
	mkdir -m 500 "$state"
	refused 'read-only: create says where' "*$state*" create -b "$quick" x
	ok 'read-only: and list works' oci list
	chmod 700 "$state" && rmdir "$state"
fi
: >"$state"
refused 'a file in its place: create says where' "*$state*" create -b "$quick" x
rm "$state"
state=$tmp/home/deep/er
ok 'one that is missing is made with its parents' oci run -b "$quick" x
is 'for its owner alone' "$(stat -c %a "$state")" 700
state=$normal
is 'a list of a place that is not there is empty' "$(ids)" ''
refused 'and nothing exists there' '*does not exist*' state x
mkdir -p "$state"

# The disk is full, at every size that it can have: nothing is left, or it works.
cat >"$tmp/full" <<'END'
mount -n -t tmpfs -o "size=64k,mode=700" none "$STATE" || exit 77
n=0
for size in 0 1 2 3 4 6 8; do
	head -c $((65536 - size * 4096)) /dev/zero >"$STATE/.fill" 2>/dev/null
	"$INNER" "$RUNTIME" --root "$STATE" create -b "$BUNDLE" x >/dev/null 2>"$SAID" </dev/null
	status=$?
	rm -f "$STATE/.fill"
	if [ "$status" != 0 ]; then
		[ -s "$SAID" ] || echo "size $size: nothing was said"
		[ -z "$(ls "$STATE")" ] || echo "size $size: left: $(ls "$STATE")"
		n=$((n + 1))
	fi
	"$INNER" "$RUNTIME" --root "$STATE" delete --force x >/dev/null 2>&1 </dev/null
	[ -z "$(ls "$STATE")" ] || echo "size $size: left after delete: $(ls "$STATE")"
done
echo "full: $n"
END
# We are root of one id there, and our own id again for the runtime.
mapped=-Ur own_id="unshare -U --map-user=$(id -u) --map-group=$(id -g)"
[ "$(id -u)" != 0 ] || mapped='' own_id=''
cat >"$tmp/inner" <<END
#!/bin/sh
exec $own_id "\$@"
END
chmod 755 "$tmp/inner"
said=$(env STATE="$state" RUNTIME="$runtime" BUNDLE="$bundle" SAID="$tmp/words" INNER="$tmp/inner" timeout -s KILL 60 \
	unshare ${mapped:+"$mapped"} -m sh "$tmp/full" 2>&1 </dev/null)
like 'a full disk is an error, or none; nothing is left' "$said" 'full: [1-7]'

# ---- whose it is, and links ------------------------------------------------------------------------------

mkdir "$tmp/elsewhere"
echo precious >"$tmp/elsewhere/file"
ln -s "$tmp/elsewhere" "$state/link"
refused 'a link of that name: no container is made behind it' '*link*' create -b "$quick" link
in_time 'nor looked for' state link
in_time 'delete --force does not follow it' delete --force link
is 'what is behind it stays' "$(ls "$tmp/elsewhere")" file
rm -f "$state/link"
mkdir -m 777 "$state/open"
chmod 777 "$state/open"
in_time 'one that others may write is not believed' state open
rm -rf "$state/open"
oci run -d -b "$bundle" real >/dev/null
process=$(pid real)
for link in state.json config.json; do
	[ -e "$state/real/$link" ] || continue
	cp "$state/real/$link" "$tmp/$link"
	rm "$state/real/$link"
	ln -s "$tmp/$link" "$state/real/$link"
	in_time "a link in place of $link is met in time" state real
	in_time "a link in place of $link: list" list
	rm "$state/real/$link"
	cp "$tmp/$link" "$state/real/$link"
done
is 'the container is still there' "$(status real)" running
rm "$state/real/state.json"
mkfifo "$state/real/state.json"
for command in state start kill delete 'delete --force' list; do
	# shellcheck disable=SC2086
	in_time "a pipe in place of state.json does not hold up $command" $command ${command##list}
done
rm -rf "$state/real/state.json"
mkdir -p "$state/real"
cp "$tmp/state.json" "$state/real/state.json"
[ ! -e "$tmp/config.json.copy" ] || cp "$tmp/config.json.copy" "$state/real/config.json"
oci delete --force real >/dev/null
until_true is_gone "$process" || kill -s KILL "$process" 2>/dev/null

# ---- forged ------------------------------------------------------------------------------------------------

# A process of ours that is no container's.
sleep 100 &
bystander=$!
waiting="$waiting $bystander"
oci run -d -b "$bundle" model >/dev/null
cp "$state/model/state.json" "$tmp/model.json"
model=$(pid model)
key=$(jq -r 'to_entries[] | select(.value == '"$model"') | .key' "$tmp/model.json" | head -n 1)
like 'the record says which process it is' "$key" '?*'
forge() { # FILTER
	oci delete --force forged >/dev/null
	rm -rf "$state/forged"
	cp -r "$state/model" "$state/forged"
	jq "$1" "$tmp/model.json" >"$state/forged/state.json"
}
# Root would end more than a test if one of these went wrong.
hot='1 -1'
[ "$(id -u)" != 0 ] || hot='0 4194303'
for value in "$bystander" 0 $hot -"$bystander" 4194304 2147483648 99999999999999999999 1.5 '"1"' null '[]'; do
	forge ".$key = $value"
	oci kill forged KILL >/dev/null
	oci kill --all forged KILL >/dev/null
	in_time "a record of process $value: delete --force" delete --force forged
done
ok 'nobody was killed: who stands beside' lives "$bystander"
ok 'and the container whose record it was' lives "$model"
for text in '' '{' '[]' 'null' '{}' '{"id": 7}' "$(printf '\001\002')"; do
	forge .
	printf '%s' "$text" >"$state/forged/state.json"
	in_time "a record with '$(printf %.9s "$text" | tr -c '[:print:]' '?')': list" list
	fails "and state is an error" 1 oci state forged
	in_time 'and it can be deleted' delete --force forged
	rm -rf "$state/forged"
done
forge .
head -c 30000000 /dev/zero | tr '\0' '[' >"$state/forged/state.json"
in_time 'a record without end' state forged
rm -rf "$state/forged"
mkdir "$state/empty"
in_time 'a directory with nothing in it is no trouble' list
ok 'nor in the way' oci run -b "$quick" empty
: >"$state/file"
in_time 'a file among them: list' list
in_time 'a file among them: delete' delete --force file
rm -f "$state/file"
ok 'the real one goes' oci delete --force model

# ---- the socket of the start ------------------------------------------------------------------------------------

oci create -b "$bundle" socket >/dev/null
process=$(pid socket)
mv "$state/socket/start" "$tmp/start" 2>/dev/null
for kind in missing file pipe silent; do
	rm -f "$state/socket/start"
	case $kind in
	missing) ;;
	file) : >"$state/socket/start" ;;
	pipe) mkfifo "$state/socket/start" ;;
	silent)
		python3 -c 'import socket, sys, time
s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
s.bind(sys.argv[1]); s.listen(1); time.sleep(60)' "$state/socket/start" &
		waiting="$waiting $!"
		until_true test -S "$state/socket/start"
		;;
	esac
	[ "$kind" = silent ] || fails "start: $kind in place of the socket" 1 oci start socket
	in_time "state: $kind in place of the socket" state socket
done
in_time 'delete --force' delete --force socket
ok 'and its process is gone' until_true is_gone "$process"

# ---- several at once ----------------------------------------------------------------------------------------------

# at_once COMMAND...: how many of four succeed
at_once() {
	runners=
	for n in 1 2 3 4; do
		{ oci "$@" >/dev/null && : >"$tmp/good.$n"; } &
		runners="$runners $!"
	done
	# shellcheck disable=SC2086
	wait $runners
	find "$tmp" -maxdepth 1 -name 'good.*' | wc -l
	rm -f "$tmp"/good.*
}
is 'four create one id: one does' "$(at_once create -b "$bundle" race)" 1
is 'which is whole' "$(status race)" created
is 'four start it: one does' "$(at_once start race)" 1
is 'it runs' "$(status race)" running
oci kill race KILL >/dev/null
until_true status_is race stopped
is 'four delete it: one does' "$(at_once delete race)" 1
is 'nothing is left' "$(ids)" ''
# One makes and removes it all the time; who looks meanwhile never meets half of it.
(
	n=0
	while [ "$n" -lt 12 ]; do
		oci run -b "$quick" busy >/dev/null || echo "run: $?"
		n=$((n + 1))
	done
	: >"$tmp/done"
) >"$tmp/busy" 2>&1 &
busy=$!
while [ ! -e "$tmp/done" ]; do
	oci list -f json >"$tmp/list" || { echo "list: $(cat "$tmp/list")"; }
	jq -e . "$tmp/list" >/dev/null || echo "no JSON: $(cat "$tmp/list")"
	said=$(oci state busy) || case $said in
	*'does not exist'*) ;;
	*) echo "state: $said" ;;
	esac
done >"$tmp/seen" 2>&1
wait "$busy"
is 'who looks while it comes and goes sees nothing odd' "$(cat "$tmp/seen")" ''
is 'and who makes it is not disturbed' "$(cat "$tmp/busy")" ''
