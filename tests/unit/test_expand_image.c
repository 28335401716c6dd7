/* SPDX-License-Identifier: Apache-2.0 */
/* What an image says of itself, as defaults that options override. */
#include "tests/unit/planning.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <cmocka.h>

#define IMAGE "--no-config --map single --groups keep -R @/image.tar "

static const char *const none[] = { NULL };

/* The image of the next plan, and how it was asked for. */
static struct image_config config;
static const char *layer_list[3];
static size_t layer_count;
static bool looked_only;
static struct image_spec asked;

static int get_root(const struct image_spec *image, const struct ids_spec *ids,
		    bool look_only, struct arena *arena, struct image_root *ret_root,
		    struct error *err)
{
	(void)arena;
	(void)err;
	assert_int_equal(ids->uids.count, 1);
	asked = *image;
	looked_only = look_only;
	*ret_root = (struct image_root){ .config = config,
					 .layers = layer_list,
					 .layer_count = layer_count,
					 .mount = -1,
					 .digest = "sha256:00" };
	return 0;
}

static int verify(const struct image_spec *image, int file, struct arena *arena,
		  struct error *err)
{
	(void)arena;
	(void)err;
	assert_true(file >= 0);
	asked = *image;
	return 0;
}

static const struct plan_roots roots = { get_root, verify };

static struct planning *begin(void **state)
{
	struct planning *at = *state;

	at->roots = &roots;
	config = (struct image_config){ .kind = "oci",
					.entrypoint = none,
					.command = none,
					.env = none,
					.volumes = none,
					.labels = none,
					.chains = none };
	layer_count = 0;
	planning_write(at, "image.tar", "");
	/* the mark of tar(5), where it is looked for */
	{
		const char *path = planning_path(at, "image.tar");
		FILE *file = fopen(path, "we");

		assert_non_null(file);
		for (int i = 0; i < 512; i++)
			fputc(i >= 257 && i < 262 ? "ustar"[i - 257] : 'x', file);
		fclose(file);
	}
	return at;
}

static void assert_argv(const struct planning *at, const char *words)
{
	char text[256] = "";

	for (size_t i = 0; i < at->plan.process.argc; i++) {
		strcat(text, i ? " " : "");
		strcat(text, at->plan.process.argv[i]);
	}
	assert_string_equal(text, words);
}

static void
a_command_takes_the_place_of_the_images_and_follows_its_entrypoint(void **state)
{
	static const char *const entrypoint[] = { "/bin/enter", "-x", NULL };
	static const char *const command[] = { "serve", "all", NULL };
	struct planning *at = begin(state);

	config.entrypoint = entrypoint;
	config.command = command;
	assert_int_equal(planning_words(at, IMAGE), 0);
	assert_argv(at, "/bin/enter -x serve all");
	assert_int_equal(planning_words(at, IMAGE "one two"), 0);
	assert_argv(at, "/bin/enter -x one two");
	assert_int_equal(planning_words(at, IMAGE "--entrypoint /bin/other"), 0);
	assert_argv(at, "/bin/other");
	assert_int_equal(planning_words(at, IMAGE "--entrypoint /bin/other one"), 0);
	assert_argv(at, "/bin/other one");
	assert_int_equal(planning_words(at, IMAGE "--entrypoint= one"), 0);
	assert_argv(at, "one");
}

static void an_image_without_a_command_needs_one(void **state)
{
	struct planning *at = begin(state);
	int null = dup(STDIN_FILENO);

	assert_non_null(freopen("/dev/null", "re", stdin));
	planning_refuses(at, IMAGE, "no command given");
	assert_int_equal(at->err.id, ERROR_NO_COMMAND);
	if (null >= 0)
		close(null);
}

static void the_environment_is_the_images_unless_an_option_says_otherwise(void **state)
{
	static const char *const env[] = { "PATH=/opt/bin", "LANG=xx", "A=1",
					   "B=2",           "bad",     NULL };
	struct planning *at = begin(state);

	config.env = env;
	assert_int_equal(planning_words(at, IMAGE "-e B=3 true"), 0);
	assert_string_equal(planning_env(at, "PATH"), "/opt/bin");
	assert_string_equal(planning_env(at, "LANG"), "xx");
	assert_string_equal(planning_env(at, "A"), "1");
	assert_string_equal(planning_env(at, "B"), "3");
	assert_null(planning_env(at, "bad"));
}

static void
user_and_directory_are_the_images_unless_an_option_says_otherwise(void **state)
{
	struct planning *at = begin(state);

	config.user = "7:8";
	config.workdir = "/srv//app/";
	config.stop_signal = "SIGINT";
	assert_int_equal(planning_words(at, IMAGE "true"), 0);
	assert_int_equal(at->plan.process.uid, 7);
	assert_int_equal(at->plan.process.gid, 8);
	assert_string_equal(at->plan.process.cwd, "/srv/app");
	assert_int_equal(at->plan.process.stop_signal, 2);
	assert_int_equal(planning_words(at, IMAGE "-u 9 -w /tmp --stop-signal TERM true"),
			 0);
	assert_int_equal(at->plan.process.uid, 9);
	assert_string_equal(at->plan.process.cwd, "/tmp");
	assert_int_equal(at->plan.process.stop_signal, 15);
	config.user = "web";
	assert_int_equal(planning_words(at, IMAGE "true"), 0);
	assert_string_equal(at->plan.process.user_name, "web");
}

static void what_is_asked_for_reaches_who_gets_it(void **state)
{
	struct planning *at = begin(state);

	assert_int_equal(planning_words(at, IMAGE "--no-cache --insecure --squash-ids "
						  "--cache-size 1M --signature @/s "
						  "--scratch-size 2M true"),
			 0);
	assert_true(asked.no_cache && asked.insecure && asked.squash);
	assert_int_equal(asked.cache_size, 1 << 20);
	assert_int_equal(asked.memory, 2 << 20);
	assert_string_equal(asked.signature, planning_path(at, "s"));
	assert_string_equal(asked.operand, planning_path(at, "image.tar"));
	assert_true(looked_only);
}

static void layers_become_the_root(void **state)
{
	struct planning *at = begin(state);

	layer_list[0] = planning_path(at, "root");
	layer_list[1] = planning_path(at, "home");
	layer_count = 2;
	assert_int_equal(planning_words(at, IMAGE "tool"), 0);
	assert_int_equal(at->plan.rootfs.kind, ROOT_DIRECTORY);
	assert_int_equal(at->plan.rootfs.mode, ROOT_COW);
	assert_string_equal(at->plan.rootfs.path, layer_list[0]);
	assert_int_equal(at->plan.rootfs.layer_count, 1);
	planning_refuses(at, IMAGE "no-such-tool", "no-such-tool");
	assert_int_equal(error_status(&at->err), 127);
	planning_refuses(at, IMAGE "--root-mode rw tool", "is an image, not a directory");
}

static void another_machine_is_refused_before_the_start(void **state)
{
	struct planning *at = begin(state);
	struct utsname machine;
	char text[128];

	assert_int_equal(uname(&machine), 0);
	config.architecture = "vax";
	snprintf(text, sizeof(text), "unsupported architecture: vax (this machine: %s)",
		 image_arch_of_machine(machine.machine));
	planning_refuses(at, IMAGE "true", text);
	assert_int_equal(at->err.id, ERROR_ARCHITECTURE);
	config.architecture = image_arch_of_machine(machine.machine);
	assert_int_equal(planning_words(at, IMAGE "true"), 0);
	assert_null(at->plan.rootfs.machine);
}

static void exposed_ports_are_published_where_no_option_names_them(void **state)
{
	static const struct image_port ports[] = { { 80, false },
						   { 53, true },
						   { 443, false } };
	struct planning *at = begin(state);
	const struct net_spec *net = &at->plan.net;

	config.ports = ports;
	config.port_count = 3;
	assert_int_equal(planning_words(at, IMAGE "true"), 0);
	assert_int_equal(net->published_count, 0);
	assert_int_equal(planning_words(at, IMAGE "-P -p 8080:80 true"), 0);
	assert_int_equal(net->published_count, 3);
	assert_int_equal(net->published[0].host_ports.first, 8080);
	assert_int_equal(net->published[1].host_ports.first, 0);
	assert_int_equal(net->published[1].guest_ports.first, 53);
	assert_int_equal(net->published[1].protocol, PROTOCOL_UDP);
	assert_int_equal(net->published[2].guest_ports.last, 443);
	assert_int_equal(net->published[2].protocol, PROTOCOL_TCP);
	planning_refuses(
		at, IMAGE "-P --net none true",
		"--publish-all with --net none: it is for a network that sbx serves");
}

static void an_archive_on_the_standard_input_takes_it_from_the_command(void **state)
{
	struct planning *at = begin(state);

	assert_int_equal(
		planning_words(at, "--no-config --map single --groups keep -R - true"),
		0);
	assert_true(at->plan.process.stdin_null);
	assert_false(at->plan.process.terminal);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			a_command_takes_the_place_of_the_images_and_follows_its_entrypoint),
		cmocka_unit_test(an_image_without_a_command_needs_one),
		cmocka_unit_test(
			the_environment_is_the_images_unless_an_option_says_otherwise),
		cmocka_unit_test(
			user_and_directory_are_the_images_unless_an_option_says_otherwise),
		cmocka_unit_test(what_is_asked_for_reaches_who_gets_it),
		cmocka_unit_test(layers_become_the_root),
		cmocka_unit_test(another_machine_is_refused_before_the_start),
		cmocka_unit_test(exposed_ports_are_published_where_no_option_names_them),
		cmocka_unit_test(
			an_archive_on_the_standard_input_takes_it_from_the_command),
	};

	return cmocka_run_group_tests(tests, planning_make, planning_remove);
}
