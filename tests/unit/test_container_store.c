/* SPDX-License-Identifier: Apache-2.0 */
#include "launcher/container.h"

#include "base/arena.h"
#include "base/error.h"
#include "base/fd.h"
#include "base/json.h"
#include "launcher/container_files.h"
#include "launcher/state_files.h"
#include "tests/unit/temporary.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

enum { RACERS = 12 };

/* Each test has a root of its own. */
static int fresh_root(void **state, const char *name)
{
	const struct temporary *temporary = *state;
	struct error err = { 0 };
	char path[300];
	int place;

	snprintf(path, sizeof(path), "%s/%s", temporary->path, name);
	place = container_open_root(path, true, &err);
	assert_true(place >= 0);
	return place;
}

static const struct key_value annotations[] = { { "a.b", "1" }, { "c", "" } };
static const char *const external[] = { "/dev/null", "pipe:[1]", "/tmp/\xff", NULL };

static struct container_record sample(const char *id)
{
	return (struct container_record){
		.id = id,
		.version = "1.0.2",
		.bundle = "/tmp/b\xfe",
		.rootfs = "/tmp/b/rootfs",
		.created = "2026-01-02T03:04:05.000000006Z",
		.owner = "somebody",
		.pid = 77,
		.start_time = UINT64_MAX,
		.external = external,
		.annotations = annotations,
		.annotation_count = 2,
		.terminal = true,
	};
}

/* A container with this record, not held by anybody. */
static void make(int place, const struct container_record *record)
{
	struct container_entry entry;
	struct error err = { 0 };

	assert_int_equal(container_take(place, record->id, &entry, &err), 0);
	assert_int_equal(container_write(&entry, record, &err), 0);
	container_close(&entry);
}

static void put_record(int place, const char *id, const char *text)
{
	char path[100];
	auto_close int fd = -1;

	snprintf(path, sizeof(path), "%s/%s", id, CONTAINER_RECORD_FILE);
	fd = openat(place, path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(fd_write_all(fd, text, strlen(text)), 0);
}

/* ---- ids -------------------------------------------------------------------------------- */

static void ids_are_those_of_runc(void **state)
{
	static const char *const good[] = {
		"a", "A-b_c+d.e", "_", "-x", "+", "0", "a..b"
	};
	static const char *const bad[] = { "",    ".",        "..",  ".a",  "a/b",
					   "a b", "\xc3\xa4", "a\n", "a:b", "a@b" };
	char longest[CONTAINER_ID_MAX + 2];
	struct error err;

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++)
		assert_int_equal(container_check_id(good[i], &err), 0);
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		assert_int_equal(container_check_id(bad[i], &err), -1);
		assert_int_equal(err.id, ERROR_USAGE);
	}
	memset(longest, 'x', sizeof(longest));
	longest[CONTAINER_ID_MAX] = '\0';
	assert_int_equal(container_check_id(longest, &err), 0);
	longest[CONTAINER_ID_MAX] = 'x';
	longest[CONTAINER_ID_MAX + 1] = '\0';
	assert_int_equal(container_check_id(longest, &err), -1);
}

/* ---- records ---------------------------------------------------------------------------- */

static void what_was_written_is_read_again(void **state)
{
	auto_close int place = fresh_root(state, "written");
	const struct container_record wanted = sample("web");
	struct container_record record;
	struct container_entry entry;
	struct arena arena = { 0 };
	struct error err = { 0 };

	make(place, &wanted);
	assert_int_equal(container_look(place, "web", &entry, &err), 0);
	assert_int_equal(container_read(&entry, &arena, &record, &err), 0);
	assert_string_equal(record.id, "web");
	assert_string_equal(record.version, wanted.version);
	assert_string_equal(record.bundle, wanted.bundle);
	assert_string_equal(record.rootfs, wanted.rootfs);
	assert_string_equal(record.created, wanted.created);
	assert_string_equal(record.owner, wanted.owner);
	assert_int_equal(record.pid, 77);
	assert_true(record.start_time == UINT64_MAX);
	assert_null(record.cgroup);
	assert_string_equal(record.external[2], external[2]);
	assert_null(record.external[3]);
	assert_int_equal(record.annotation_count, 2);
	assert_string_equal(record.annotations[0].key, "a.b");
	assert_string_equal(record.annotations[1].value, "");
	assert_true(record.terminal);
	assert_false(record.systemd);
	container_close(&entry);
	arena_free(&arena);
}

static void a_record_that_is_not_ours_is_not_believed(void **state)
{
	static const char *const texts[] = {
		"",
		"{}",
		"[]",
		"{\"version\":1,\"id\":\"web\"",
		"{\"version\":1,\"id\":\"other\",\"ociVersion\":\"1.0.0\",\"bundle\":\"/\","
		"\"created\":\"x\",\"pid\":1,\"startTime\":1}",
		"{\"version\":1,\"id\":\"web\",\"ociVersion\":\"1.0.0\",\"bundle\":\"/\","
		"\"created\":\"x\",\"pid\":-1,\"startTime\":1}",
		"{\"version\":1,\"id\":\"web\",\"ociVersion\":\"1.0.0\",\"bundle\":\"/\","
		"\"created\":\"x\",\"pid\":99999999999,\"startTime\":1}",
		"{\"version\":1,\"id\":\"web\",\"ociVersion\":\"1.0.0\",\"bundle\":\"/\","
		"\"created\":\"x\",\"pid\":1,\"startTime\":1,\"annotations\":{\"a\":1}}",
	};
	auto_close int place = fresh_root(state, "forged");
	const struct container_record wanted = sample("web");
	struct container_record record;
	struct container_entry entry;
	struct arena arena = { 0 };
	struct error err = { 0 };

	make(place, &wanted);
	assert_int_equal(container_look(place, "web", &entry, &err), 0);
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		put_record(place, "web", texts[i]);
		assert_int_equal(container_read(&entry, &arena, &record, &err), -1);
		assert_int_equal(err.id, ERROR_STATE);
		assert_non_null(strstr(err.hint, "delete --force"));
	}
	container_close(&entry);
	arena_free(&arena);
}

static void a_record_others_can_write_to_is_not_believed(void **state)
{
	auto_close int place = fresh_root(state, "writable");
	const struct container_record wanted = sample("web");
	struct container_record record;
	struct container_entry entry;
	struct arena arena = { 0 };
	struct error err = { 0 };

	make(place, &wanted);
	assert_int_equal(container_look(place, "web", &entry, &err), 0);
	assert_int_equal(fchmodat(entry.dir, CONTAINER_RECORD_FILE, 0666, 0), 0);
	assert_int_equal(container_read(&entry, &arena, &record, &err), -1);
	assert_int_equal(err.id, ERROR_STATE);
	assert_int_equal(unlinkat(entry.dir, CONTAINER_RECORD_FILE, 0), 0);
	assert_int_equal(symlinkat("/etc/passwd", entry.dir, CONTAINER_RECORD_FILE), 0);
	assert_int_equal(container_read(&entry, &arena, &record, &err), -1);
	assert_int_equal(err.id, ERROR_STATE);
	assert_int_equal(unlinkat(entry.dir, CONTAINER_RECORD_FILE, 0), 0);
	assert_int_equal(mkfifoat(entry.dir, CONTAINER_RECORD_FILE, 0600), 0);
	assert_int_equal(container_read(&entry, &arena, &record, &err), -1);
	assert_int_equal(err.id, ERROR_STATE);
	container_close(&entry);
	arena_free(&arena);
}

/* ---- who holds what ---------------------------------------------------------------------- */

static void an_id_is_taken_once(void **state)
{
	auto_close int place = fresh_root(state, "once");
	const struct container_record wanted = sample("web");
	struct container_entry first, second;
	struct error err = { 0 };

	assert_int_equal(container_take(place, "web", &first, &err), 0);
	assert_int_equal(container_take(place, "web", &second, &err), -1);
	assert_int_equal(err.id, ERROR_NAME_TAKEN);
	assert_int_equal(container_write(&first, &wanted, &err), 0);
	container_close(&first);
	assert_int_equal(container_take(place, "web", &second, &err), -1);
	assert_int_equal(err.id, ERROR_NAME_TAKEN);
	assert_int_equal(container_open(place, "web", &first, &err), 0);
	assert_int_equal(container_remove(&first, &err), 0);
	assert_int_equal(container_take(place, "web", &second, &err), 0);
	assert_int_equal(container_remove(&second, &err), 0);
}

static void of_racers_for_an_id_one_wins(void **state)
{
	auto_close int place = fresh_root(state, "race");
	pid_t racers[RACERS];
	int winners = 0;

	for (size_t i = 0; i < RACERS; i++) {
		racers[i] = fork();
		if (racers[i] == 0) {
			const struct container_record wanted = sample("web");
			struct container_entry entry;
			struct error err = { 0 };
			int taken = container_take(place, "web", &entry, &err) == 0;

			if (taken && container_write(&entry, &wanted, &err) < 0)
				_exit(2);
			_exit(taken ? 1 : err.id == ERROR_NAME_TAKEN ? 0 : 3);
		}
		assert_true(racers[i] > 0);
	}
	for (size_t i = 0; i < RACERS; i++) {
		int status = 0;

		assert_int_equal(waitpid(racers[i], &status, 0), racers[i]);
		assert_true(WIFEXITED(status));
		assert_in_range(WEXITSTATUS(status), 0, 1);
		winners += WEXITSTATUS(status);
	}
	assert_int_equal(winners, 1);
}

static void what_a_killed_creator_left_is_taken_over(void **state)
{
	auto_close int place = fresh_root(state, "left");
	struct container_entry entry;
	struct error err = { 0 };

	assert_int_equal(container_take(place, "web", &entry, &err), 0);
	assert_int_equal(container_keep_config(&entry, "{}", 2, &err), 0);
	container_close(&entry);
	assert_int_equal(container_take(place, "web", &entry, &err), 0);
	assert_int_equal(faccessat(entry.dir, CONTAINER_CONFIG_FILE, F_OK, 0), -1);
	assert_int_equal(container_remove(&entry, &err), 0);
}

static void a_container_can_be_looked_at_while_it_is_held(void **state)
{
	auto_close int place = fresh_root(state, "look");
	struct container_record wanted = sample("web");
	struct container_entry holder, reader;
	struct container_record record;
	struct arena arena = { 0 };
	struct error err = { 0 };

	wanted.pid = 0;
	assert_int_equal(container_take(place, "web", &holder, &err), 0);
	assert_int_equal(container_look(place, "web", &reader, &err), 0);
	assert_int_equal(container_read(&reader, &arena, &record, &err), -1);
	assert_int_equal(err.id, ERROR_NO_SUCH_SANDBOX);
	assert_non_null(strstr(err.text, "does not exist"));
	assert_int_equal(container_write(&holder, &wanted, &err), 0);
	assert_int_equal(container_read(&reader, &arena, &record, &err), 0);
	assert_int_equal(container_status(&reader, &record), CONTAINER_CREATING);
	container_close(&holder);
	assert_int_equal(container_status(&reader, &record), CONTAINER_STOPPED);
	container_close(&reader);
	arena_free(&arena);
}

static void a_lock_does_not_outlive_its_holder_in_a_child(void **state)
{
	auto_close int place = fresh_root(state, "child");
	const struct container_record wanted = sample("web");
	struct container_entry entry;
	struct error err = { 0 };
	pid_t child;

	make(place, &wanted);
	assert_int_equal(container_open(place, "web", &entry, &err), 0);
	child = fork();
	if (child == 0) {
		pause();
		_exit(0);
	}
	assert_true(child > 0);
	container_close(&entry);
	assert_int_equal(container_open(place, "web", &entry, &err), 0);
	container_close(&entry);
	kill(child, SIGKILL);
	assert_int_equal(waitpid(child, NULL, 0), child);
}

static void an_unknown_container_does_not_exist(void **state)
{
	auto_close int place = fresh_root(state, "unknown");
	struct container_entry entry;
	struct error err = { 0 };

	assert_int_equal(container_open(place, "web", &entry, &err), -1);
	assert_int_equal(err.id, ERROR_NO_SUCH_SANDBOX);
	assert_non_null(strstr(err.text, "container web does not exist"));
	assert_int_equal(err.errnum, 0);
	assert_int_equal(container_look(place, "../web", &entry, &err), -1);
	assert_int_equal(err.id, ERROR_USAGE);
}

static void a_link_is_no_container(void **state)
{
	auto_close int place = fresh_root(state, "link");
	const struct container_record wanted = sample("web");
	struct container_entry entry;
	struct error err = { 0 };

	make(place, &wanted);
	assert_int_equal(symlinkat("web", place, "alias"), 0);
	assert_int_equal(container_look(place, "alias", &entry, &err), -1);
	assert_int_equal(container_take(place, "alias", &entry, &err), -1);
}

static void the_list_is_sorted_and_cleans_up(void **state)
{
	auto_close int place = fresh_root(state, "list");
	static const char *const names[] = { "b", "a", "c" };
	struct container_entry entry;
	struct arena arena = { 0 };
	struct error err = { 0 };
	const char *const *ids;

	for (size_t i = 0; i < 3; i++) {
		const struct container_record record = sample(names[i]);

		make(place, &record);
	}
	assert_int_equal(container_take(place, "left", &entry, &err), 0);
	container_close(&entry);
	assert_int_equal(mkdirat(place, ".hidden", 0700), 0);
	ids = container_list(place, &arena, &err);
	assert_non_null(ids);
	assert_string_equal(ids[0], "a");
	assert_string_equal(ids[1], "b");
	assert_string_equal(ids[2], "c");
	assert_null(ids[3]);
	assert_int_equal(faccessat(place, "left", F_OK, 0), -1);
	arena_free(&arena);
}

/* ---- roots ------------------------------------------------------------------------------- */

static void a_root_that_others_can_write_to_is_refused(void **state)
{
	const struct temporary *temporary = *state;
	struct error err = { 0 };
	char path[300];

	snprintf(path, sizeof(path), "%s/open", temporary->path);
	assert_int_equal(mkdir(path, 0700), 0);
	assert_int_equal(chmod(path, 0777), 0);
	assert_int_equal(container_open_root(path, true, &err), -1);
	assert_int_equal(err.id, ERROR_STATE);
	assert_int_equal(container_open_root("", true, &err), -1);
}

static void a_root_is_made_with_what_is_missing_on_the_way(void **state)
{
	const struct temporary *temporary = *state;
	struct error err = { 0 };
	struct stat status;
	char path[300];
	int place;

	snprintf(path, sizeof(path), "%s/deep/er/root", temporary->path);
	assert_int_equal(container_open_root(path, false, &err), -1);
	assert_int_equal(err.errnum, ENOENT);
	assert_null(strstr(err.text, "No such file"));
	place = container_open_root(path, true, &err);
	assert_true(place >= 0);
	assert_int_equal(fstat(place, &status), 0);
	assert_int_equal(status.st_mode & 07777, 0700);
	close(place);
}

/* ---- what it is doing --------------------------------------------------------------------- */

static void a_pid_counts_with_its_start_time_only(void **state)
{
	auto_close int place = fresh_root(state, "pid");
	struct container_record record = sample("web");
	struct container_entry entry;
	struct error err = { 0 };
	char kind;

	make(place, &record);
	assert_int_equal(container_look(place, "web", &entry, &err), 0);
	record.pid = getpid();
	assert_int_equal(state_read_stat(record.pid, &kind, &record.start_time), 0);
	assert_int_equal(container_status(&entry, &record), CONTAINER_RUNNING);
	record.start_time++;
	assert_int_equal(container_status(&entry, &record), CONTAINER_STOPPED);
	container_close(&entry);
}

static void a_zombie_has_stopped(void **state)
{
	auto_close int place = fresh_root(state, "zombie");
	struct container_record record = sample("web");
	struct container_entry entry;
	struct error err = { 0 };
	siginfo_t ended;
	char kind;

	make(place, &record);
	assert_int_equal(container_look(place, "web", &entry, &err), 0);
	record.pid = fork();
	if (record.pid == 0)
		_exit(0);
	assert_int_equal(waitid(P_PID, (id_t)record.pid, &ended, WEXITED | WNOWAIT), 0);
	assert_int_equal(state_read_stat(record.pid, &kind, &record.start_time), 0);
	assert_int_equal(container_status(&entry, &record), CONTAINER_STOPPED);
	assert_int_equal(waitpid(record.pid, NULL, 0), record.pid);
	container_close(&entry);
}

static void whoever_listens_at_start_is_created(void **state)
{
	auto_close int place = fresh_root(state, "created");
	auto_close int listener = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct container_record record = sample("web");
	struct container_entry entry;
	struct error err = { 0 };
	char kind;

	make(place, &record);
	assert_int_equal(container_look(place, "web", &entry, &err), 0);
	record.pid = getpid();
	assert_int_equal(state_read_stat(record.pid, &kind, &record.start_time), 0);
	snprintf(address.sun_path, sizeof(address.sun_path), "/proc/self/fd/%d/%s",
		 entry.dir, CONTAINER_SOCKET);
	assert_int_equal(
		bind(listener, (const struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(container_status(&entry, &record), CONTAINER_RUNNING);
	assert_int_equal(listen(listener, 1), 0);
	for (int i = 0; i < 5; i++)
		assert_int_equal(container_status(&entry, &record), CONTAINER_CREATED);
	fd_close(&listener);
	assert_int_equal(container_status(&entry, &record), CONTAINER_RUNNING);
	container_close(&entry);
}

static void the_state_is_that_of_the_specification(void **state)
{
	struct container_record record = sample("web");
	struct json_value *object;
	struct arena arena = { 0 };
	struct error err = { 0 };
	const char *text, *status = NULL;
	int64_t pid = -1;

	(void)state;
	record.bundle = "/b";
	text = container_state_text(&record, CONTAINER_RUNNING, &arena);
	object = json_read(text, strlen(text), "state", &arena, &err);
	assert_non_null(object);
	assert_int_equal(json_get_text(object, "status", &status, &err), 0);
	assert_string_equal(status, "running");
	assert_int_equal(json_get_integer(object, "pid", 0, 99, &pid, &err), 0);
	assert_int_equal(pid, 77);
	assert_int_equal(json_count(json_get(object, "annotations")), 2);
	record.annotation_count = 0;
	text = container_state_text(&record, CONTAINER_STOPPED, &arena);
	object = json_read(text, strlen(text), "state", &arena, &err);
	assert_int_equal(json_get_integer(object, "pid", 0, 99, &pid, &err), 0);
	assert_int_equal(pid, 0);
	assert_null(json_get(object, "annotations"));
	arena_free(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ids_are_those_of_runc),
		cmocka_unit_test(what_was_written_is_read_again),
		cmocka_unit_test(a_record_that_is_not_ours_is_not_believed),
		cmocka_unit_test(a_record_others_can_write_to_is_not_believed),
		cmocka_unit_test(an_id_is_taken_once),
		cmocka_unit_test(of_racers_for_an_id_one_wins),
		cmocka_unit_test(what_a_killed_creator_left_is_taken_over),
		cmocka_unit_test(a_container_can_be_looked_at_while_it_is_held),
		cmocka_unit_test(a_lock_does_not_outlive_its_holder_in_a_child),
		cmocka_unit_test(an_unknown_container_does_not_exist),
		cmocka_unit_test(a_link_is_no_container),
		cmocka_unit_test(the_list_is_sorted_and_cleans_up),
		cmocka_unit_test(a_root_that_others_can_write_to_is_refused),
		cmocka_unit_test(a_root_is_made_with_what_is_missing_on_the_way),
		cmocka_unit_test(a_pid_counts_with_its_start_time_only),
		cmocka_unit_test(a_zombie_has_stopped),
		cmocka_unit_test(whoever_listens_at_start_is_created),
		cmocka_unit_test(the_state_is_that_of_the_specification),
	};

	return cmocka_run_group_tests(tests, temporary_make, temporary_remove);
}
