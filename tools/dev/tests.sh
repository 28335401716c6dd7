# shellcheck shell=bash disable=SC2154
# SPDX-License-Identifier: Apache-2.0
# `./dev test` is a row of parts, each one way to build the tree and the suites that are run
# on it. What each check said goes into one file of results, which gives the closing line.

parts='root release norunsc clang failpoints tidy sanitizers offline noseccomp aarch64 musl guests'

# Where checks are slow, a sanitizer or an emulator multiplies every limit of time.
time_factor=1

dev_test() { # [NAME...]
	local before name
	results=$(dev_cache)/results.$$
	mkdir -p "$(dev_cache)"
	: >"$results"
	trap 'rm -f "$results"' EXIT
	before=$(traces)
	case ${1-} in
	'') run_parts ;;
	full) run_full ;;
	list) list_names; return ;;
	*) for name; do run_named "$name"; done ;;
	esac
	note_traces "$before" "$(traces)"
	"$tree/tools/count-tests" sum "$results" "$tree/tests/skips"
}

run_parts() {
	local name
	for name in $parts; do
		run_part "$name"
	done
}

run_full() {
	export SBX_TEST_FULL=1
	time_factor=20
	run_parts
	run_benchmark launch
	run_benchmark bwrap
	run_benchmark policy
	run_benchmark net
	run_benchmark roots
	if command -v runsc >/dev/null; then
		run_benchmark gvisor
	fi
}

run_part() { # NAME
	local start=$SECONDS
	part=$1
	echo "== $part"
	"part_$part" || note fail "$part" "the part ended early"
	echo "== $part: $((SECONDS - start)) s"
}

list_names() {
	echo "parts: $parts"
	build_release
	meson test -C "$build" --no-rebuild --list 2>/dev/null | sed -n 's/^[^:]*:\([^ ]* \/ \)/\1/p'
}

# A name is a part, or a suite or test of the first build that has it.
run_named() { # NAME
	case " $parts " in *" $1 "*) run_part "$1"; return ;; esac
	part=named
	if build_release && run_selected "$1"; then
		return
	fi
	if built build_clang && run_selected "$1"; then
		return
	fi
	say "no part, suite or test is called $1; ./dev test list names them"
	note fail "$1" "no such part, suite or test"
}

run_selected() { # NAME
	local known
	known=$(meson test -C "$build" --no-rebuild --list 2>/dev/null)
	if grep -qE "^[^:]*:([^ ]*\+)?$1(\+[^ ]*)? / " <<<"$known"; then
		run_tests --suite "$1"
	elif grep -qE " / $1\$" <<<"$known"; then
		run_tests "$1"
	else
		return 1
	fi
}

note() { # RESULT TEST [REASON]
	"$tree/tools/count-tests" note "$results" "$part" "$@"
}

# Builds, which is a check of its own.
built() { # COMMAND ARG...
	if "$@"; then
		note pass "build"
	else
		note fail "build" "see above"
		return 1
	fi
}

# Many tests wait more than they work, so there are more of them than processors.
# Whoever started this may ignore signals, as a shell does for what runs in the background;
# tests of signals want them as a login has them.
run_tests() { # MESON-TEST-ARG...
	local log=$build/meson-logs/$part.json
	rm -f "$log"
	env --default-signal meson test -C "$build" --no-rebuild --logbase "$part" --print-errorlogs \
		--num-processes $((2 * $(nproc))) --timeout-multiplier "$time_factor" "$@" || true
	if [ -s "$log" ]; then
		"$tree/tools/count-tests" add "$results" "$part" "$log"
	else
		note fail "tests" "none ran"
	fi
}

part_release() {
	local left_out=(--no-suite long)
	[ -z "${SBX_TEST_FULL-}" ] || left_out=()
	built build_release || return 0
	run_tests --no-suite tidy --no-suite kernels --no-suite guests --no-suite bench "${left_out[@]}"
}

# A PATH that has everything but runsc, for the caller's rest.
# shellcheck disable=SC2031
without_runsc() {
	local directory bin
	bin=$(dev_cache)/norunsc
	rm -rf "$bin"
	mkdir -p "$bin"
	for directory in ${PATH//:/ }; do
		find "$directory/" -maxdepth 1 ! -type d ! -name 'runsc*' -print0 2>/dev/null
	done | xargs -0 ln -s -t "$bin" 2>/dev/null || true
	PATH=$bin
}

# On a machine without runsc what wants it is skipped, and what would look for it does without.
part_norunsc() {
	local PATH=$PATH wanting
	built build_release || return 0
	without_runsc
	wanting=$(grep -lx needs_runsc "$tree"/tests/*/*.sh | sed -E 's|.*/([a-z]+)/([a-z_]+)\.sh|\1_\2|')
	# shellcheck disable=SC2086
	run_tests $wanting sandbox_doctor sandbox_config oci_program oci_words
}

# The other compiler builds what is tested by failpoints, and what the linter reads. What is
# built for its tests alone is built without optimization, which takes half of the time.
# What needs no build of its own to be left out is left out in one that is there.
build_clang() {
	CC=clang build_tree clang -Dbuildtype=debug -Dwerror=true -Dfailpoints=true -Dapparmor=disabled
}

part_clang() {
	built build_clang || return 0
	run_tests --suite unit
}

part_tidy() {
	built build_clang || return 0
	run_tests --suite tidy
}

part_sanitizers() {
	local time_factor=4
	export UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1
	# The compiler takes two thirds of the time that -O2 takes it.
	built build_tree sanitizers -Dstatic=false -Db_sanitize=address,undefined -Dbuildtype=debug \
		-Doptimization=1 || return 0
	run_tests --suite unit
	# A process that is not dumpable cannot be searched for leaks.
	if [ -n "${SBX_TEST_FULL-}" ]; then
		ASAN_OPTIONS=detect_leaks=0 run_tests --suite sandbox --suite net --suite image
	else
		ASAN_OPTIONS=detect_leaks=0 run_tests sandbox_attack sandbox_bwrap sandbox_bwrap_conf \
			sandbox_cgroups sandbox_config sandbox_explain sandbox_landlock sandbox_learn \
			sandbox_limits sandbox_mounts sandbox_policy sandbox_profiles sandbox_start_order \
			sandbox_streams sandbox_terminal net_reach net_hostile_libslirp image_formats \
			image_hostile_bytes
	fi
	unset UBSAN_OPTIONS
}

part_failpoints() {
	built build_clang || return 0
	run_tests --suite failure
}

noseccomp=(-Dbuildtype=debug -Dseccomp=disabled -Dselinux=disabled -Dnokmem=true -Dwerror=true)

# Who asks for a policy is refused there; the rest works as ever.
part_noseccomp() {
	local PATH=$PATH
	without_runsc
	built build_tree noseccomp "${noseccomp[@]}" || return 0
	run_tests --suite unit
	run_tests sandbox_without_seccomp
}

# From nothing, in a network namespace that has no network, and without runsc; what was built
# is the next part's.
# shellcheck disable=SC2016
part_offline() {
	local PATH=$PATH
	without_runsc
	build=$(build_directory noseccomp)
	rm -rf "$build"
	if unshare --map-root-user --net sh -ec '
		build=$1 tree=$2
		shift 2
		meson setup "$@" "$build" "$tree"
		ninja -C "$build"' sh "$build" "$tree" "${noseccomp[@]}" >"$build.log" 2>&1; then
		echo "${noseccomp[*]}" >"$build/set-up"
		note pass "build"
	else
		tail -n 30 "$build.log"
		note fail "build" "see above"
	fi
}

part_aarch64() {
	local sysroot time_factor=4
	sysroot=$(dev_cache)/aarch64
	[ "$(uname -m)" != aarch64 ] || { note skip aarch64 "this machine is aarch64"; return; }
	"$tree/tools/aarch64-sysroot" "$sysroot" || return
	built build_tree aarch64 --cross-file "$sysroot/sysroot.ini" \
		--cross-file "$tree/tools/cross/aarch64.ini" || return 0
	run_tests --suite unit
}

part_musl() {
	built build_musl || return 0
	run_tests --suite unit
	if [ -n "${SBX_TEST_FULL-}" ]; then
		run_tests --suite sandbox
	else
		run_tests sandbox_attack sandbox_bwrap sandbox_policy sandbox_status
	fi
}

# Emulated machines: side by side, because each has one processor.
part_guests() {
	build_release || return
	run_tests --suite kernels --suite guests
}

# What a test might leave behind: new files of ours in the tree, at home, in /tmp. Where
# nobody edits the tree meanwhile, also what it changed.
traces() {
	find "$tree" -path "$tree/.git" -prune -o -printf "%p${CI:+ %s %T@}\n"
	find "$HOME" -maxdepth 4 -path "$(dev_cache)" -prune -o -name '*sbx*' -print
	find "$HOME" /tmp /var/tmp /dev/shm -maxdepth 1 -user "$(id -u)" 2>/dev/null
}

note_traces() { # BEFORE AFTER
	local left
	part=traces
	left=$(diff <(sort <<<"$1") <(sort <<<"$2") | grep '^[<>]' || true)
	if [ -z "$left" ]; then
		note pass "the tree, home and /tmp are as before"
	else
		head -n 20 <<<"$left"
		note fail "the tree, home and /tmp are as before" "changed, see above"
	fi
}

# The figures of a musl build stand beside the others.
run_benchmark() { # NAME [ARG...]
	local name=$1 musl
	shift
	[ -x "$tree/tests/bench/$name" ] || die "no benchmark is called $name"
	build_musl || die "cannot build with musl"
	musl=$build
	build_release || die "cannot build"
	SBX_BUILD=$build SBX_MUSL=$musl/launcher/sbx "$tree/tests/bench/$name" "$@"
}
