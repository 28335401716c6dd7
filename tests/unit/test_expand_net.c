/* SPDX-License-Identifier: Apache-2.0 */
/* Which network a sandbox has, and what is bound over its resolv.conf and hosts. */
#include "tests/unit/planning.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define MADE(words)          assert_int_equal(planning_root(at, words), 0)
#define REFUSED(words, text) planning_refuses_root(at, words, text)
#define RESOLV_CONF          "/etc/resolv.conf"
#define HOSTS                "/etc/hosts"

/* On the host's own root. */
static int host(struct planning *at, const char *words)
{
	char text[4096];

	snprintf(text, sizeof(text), "--no-config --groups keep %s true", words);
	return planning_words(at, text);
}

static bool has_content(const struct mount_entry *entry, const char *text)
{
	return entry && entry->kind == MOUNT_DATA && strstr(entry->content, text);
}

/* ---- which network -------------------------------------------------------------------- */

/* The builds for musl and aarch64 have none. */
static void the_relay_serves_without_libslirp(struct planning *at)
{
	MADE("");
	assert_int_equal(at->plan.net.mode, NET_RELAY);
	assert_int_equal(at->plan.note_count, 1);
	assert_non_null(strstr(at->plan.notes[0].text, "built without libslirp"));
	REFUSED("--net user", "use --net user: sbx-net is built without libslirp");
	assert_int_equal(at->err.id, ERROR_DEVICE_MISSING);
	assert_non_null(strstr(at->err.hint, "--net relay"));
	REFUSED("--pcap @/pcap", "use --pcap: sbx-net is built without libslirp");
	MADE("--net relay");
	assert_int_equal(at->plan.note_count, 0);
}

static void a_tap_device_is_wanted_or_asked_for(void **state)
{
	struct planning *at = *state;

	if (!net_has_slirp()) {
		the_relay_serves_without_libslirp(at);
		return;
	}
	if (net_probe_tap() == 0) {
		MADE("--net user");
		assert_int_equal(at->plan.net.mode, NET_USER);
		MADE("--net slirp");
		assert_int_equal(at->plan.net.mode, NET_USER);
		MADE("--net user --pcap @/pcap");
		assert_true(at->plan.net.relay_off);
		assert_int_equal(at->plan.note_count, 1);
		return;
	}
	REFUSED("--net user", "use --net user: open /dev/net/tun");
	assert_int_equal(at->err.id, ERROR_DEVICE_MISSING);
	assert_non_null(strstr(at->err.hint, "--net relay"));
	REFUSED("--net user --relay off", "use --relay off: open /dev/net/tun");
}

static void two_networks_of_one_source_are_refused(void **state)
{
	struct planning *at = *state;

	REFUSED("--net relay --share net", "use --net relay with --share net");
	REFUSED("--net none --share ipc,net", "--share ipc,net");
	REFUSED("--net host --join net:/proc/self/ns/net", "--join net:");
	MADE("--net host --share net");
	assert_int_equal(at->plan.namespaces.kinds[NS_NET].mode, NS_SHARED);
	MADE("--net none --share ipc");
}

static void gvisors_stack_is_where_the_network_lets_it(void **state)
{
	static const struct {
		const char *words;
		enum gvisor_net stack;
		enum net_mode mode;
	} rows[] = {
		{ "--net none", GVISOR_NET_NONE, NET_PLAIN },
		{ "--net relay", GVISOR_NET_HOST, NET_RELAY },
		{ "--net host", GVISOR_NET_HOST, NET_PLAIN },
		{ "--gvisor-net none", GVISOR_NET_NONE, NET_PLAIN },
		{ "--gvisor-net netstack --net none", GVISOR_NET_NONE, NET_PLAIN },
		{ "--gvisor-net host --net none", GVISOR_NET_HOST, NET_PLAIN },
		{ "--gvisor-net host --net relay", GVISOR_NET_HOST, NET_RELAY },
	};
	struct planning *at = *state;
	char words[128];

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		snprintf(words, sizeof(words), "--runtime runsc %s", rows[i].words);
		MADE(words);
		assert_int_equal(at->plan.runtime.net, rows[i].stack);
		assert_int_equal(at->plan.net.mode, rows[i].mode);
		assert_false(at->plan.net.foreign_stack);
	}
	REFUSED("--runtime runsc --gvisor-net netstack --net relay",
		"use --gvisor-net netstack with --net relay: gVisor's own stack needs a "
		"tap device");
	REFUSED("--runtime runsc --gvisor-net netstack --net host", "--net host");
	assert_non_null(strstr(at->err.hint, "--gvisor-net host"));
	REFUSED("--runtime runsc --gvisor-net none --net relay",
		"use --gvisor-net none with --net relay");
	assert_non_null(strstr(at->err.hint, "--net none"));
}

/* It is never exchanged for another one in silence. */
static void gvisors_stack_needs_a_tap_device(void **state)
{
	struct planning *at = *state;

	if (!net_has_slirp() || net_probe_tap() < 0) {
		REFUSED("--runtime runsc", "use --runtime runsc: ");
		assert_int_equal(at->err.id, ERROR_DEVICE_MISSING);
		assert_non_null(strstr(at->err.hint, "--net relay"));
		return;
	}
	MADE("--runtime runsc --net user --pcap @/pcap");
	assert_true(at->plan.net.foreign_stack);
	assert_int_equal(at->plan.net.mtu, NET_FOREIGN_MTU);
	assert_int_equal(at->plan.note_count, 0);
	MADE("--runtime runsc --mtu 9000");
	assert_int_equal(at->plan.net.mtu, 9000);
	MADE("--runtime runsc --gvisor-net host");
	assert_int_equal(at->plan.net.mode, NET_USER);
	assert_false(at->plan.net.foreign_stack);
	assert_int_equal(at->plan.net.mtu, 0);
}

static void of_two_sources_the_higher_one_says_it(void **state)
{
	struct planning *at = *state;

	planning_write(at, "shares", "share net\n");
	planning_write(at, "serves", "net relay\n");
	MADE("--profile @/shares --net none");
	assert_int_equal(at->plan.namespaces.kinds[NS_NET].mode, NS_PRIVATE);
	MADE("--profile @/serves --share net");
	assert_int_equal(at->plan.namespaces.kinds[NS_NET].mode, NS_SHARED);
	assert_int_equal(at->plan.net.mode, NET_PLAIN);
	MADE("--profile @/shares --net relay");
	assert_int_equal(at->plan.net.mode, NET_RELAY);
	MADE("--profile @/serves --net none");
	assert_int_equal(at->plan.net.mode, NET_PLAIN);
	assert_true(at->plan.net.loopback);
}

static void options_that_say_nothing_here_are_named_with_the_network(void **state)
{
	static const struct {
		const char *words, *text;
	} rows[] = {
		{ "--net none -p 80:80", "use --publish 80:80 with --net none" },
		{ "--net host -p 80:80", "use --publish 80:80 with --net host" },
		{ "--net host --allow lan", "use --allow lan with --net host" },
		{ "--share net --deny lan", "use --deny lan with --share net" },
		{ "--net none --dns 192.0.2.53", "use --dns 192.0.2.53 with --net none" },
		{ "--net none --search a.test", "use --search a.test with --net none" },
		{ "--net host --mtu 1500", "use --mtu 1500 with --net host" },
		{ "--net none --net-rate 1M", "use --net-rate 1M with --net none" },
		{ "--net relay --relay off", "--relay off with --net relay" },
	};
	struct planning *at = *state;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		planning_refuses_root(at, rows[i].words, rows[i].text);
		assert_string_equal(at->err.hint, "--net user");
	}
	REFUSED("--net relay --pcap @/pcap", "with --net relay: it needs a tap device");
}

static void what_a_file_says_gives_way_to_another_network(void **state)
{
	struct planning *at = *state;

	planning_write(at, "served",
		       "publish 8080:80\nallow a.test:443\ndns 192.0.2.53\n"
		       "pcap pcap\nrelay off\nmtu 9000\nnet-log log\n");
	MADE("--profile @/served --net none");
	assert_int_equal(at->plan.net.published_count, 0);
	assert_int_equal(at->plan.net.rule_count, 0);
	assert_int_equal(at->plan.net.upstream_count, 0);
	assert_null(at->plan.net.pcap_file);
	MADE("--profile @/served --net host");
	assert_int_equal(at->plan.net.upstream_count, 1);
	MADE("--profile @/served --net relay");
	assert_int_equal(at->plan.net.published_count, 1);
	assert_null(at->plan.net.pcap_file);
	assert_false(at->plan.net.relay_off);
	assert_non_null(at->plan.net.log_file);
}

static void a_network_has_room_for_three(void **state)
{
	struct planning *at = *state;

	REFUSED("--net relay --ip 10.1.2.3/32",
		"use --ip 10.1.2.3/32: there is no room for a gateway and a resolver");
	REFUSED("--net relay --ip 10.1.2.3/30", "10.1.2.3/30");
	REFUSED("--net relay --ip6 fd00::3/126", "--ip6 fd00::3/126");
	MADE("--net relay --ip 10.1.2.3/29 --ip6 fd00::3/125");
	assert_true(at->plan.net.gateway.bytes[15] == 2);
	assert_true(at->plan.net.dns.bytes[15] == 4);
}

static void a_foreign_configuration_has_loopback_only(void **state)
{
	struct planning *at = *state;
	struct arena arena = { 0 };
	char *text, *mode;

	MADE("--net none --no-resolv");
	text = arena_strdup(&arena, plan_to_oci(&at->plan, false, &arena));
	mode = strstr(text, "sbx.net.no_resolv");
	assert_non_null(mode);
	memcpy(mode, "org.net", 7); /* nobody of ours wrote it */
	planning_write(at, "config.json", text);
	arena_free(&arena);
	assert_int_equal(planning_words(at, "--no-config --config @/config.json"), 0);
	assert_int_equal(at->plan.net.mode, NET_PLAIN);
	assert_true(at->plan.net.loopback);
	assert_null(planning_mount(at, HOSTS, NULL));
	assert_int_equal(
		planning_words(at, "--no-config --config @/config.json --net relay"), 0);
	assert_int_equal(at->plan.net.mode, NET_RELAY);
	assert_non_null(planning_mount(at, RESOLV_CONF, NULL));
}

static void options_change_the_network_of_a_configuration(void **state)
{
	struct planning *at = *state;
	struct arena arena = { 0 };
	char text[IP_TEXT_MAX];

	MADE("--net relay --allow a.test:443 -p 8080:80 --ip 10.9.9.9/24");
	planning_write(at, "config.json", plan_to_oci(&at->plan, false, &arena));
	arena_free(&arena);
	assert_int_equal(planning_words(at, "--no-config --config @/config.json "
					    "--deny c.test --allow b.test -p 8081:81 "
					    "--ip 10.8.8.8/24"),
			 0);
	assert_int_equal(at->plan.net.rule_count, 3);
	assert_string_equal(at->plan.net.rules[0].dest, "c.test");
	assert_string_equal(at->plan.net.rules[2].dest, "a.test:443");
	assert_int_equal(at->plan.net.published_count, 2);
	assert_string_equal(ip_format(&at->plan.net.gateway, text), "10.8.8.2");
	assert_true(has_content(planning_mount(at, RESOLV_CONF, NULL), "10.8.8.3"));
	assert_int_equal(
		planning_words(at, "--no-config --config @/config.json --net none"), 0);
	assert_int_equal(at->plan.net.rule_count, 0);
	assert_null(planning_mount(at, RESOLV_CONF, NULL));
}

/* ---- resolv.conf and hosts ------------------------------------------------------------ */

static void a_root_gets_both_files(void **state)
{
	struct planning *at = *state;
	const struct mount_entry *entry;

	MADE("--net relay --search corp.example --add-host db.test:192.0.2.7");
	entry = planning_mount(at, RESOLV_CONF, NULL);
	assert_true(has_content(entry, "nameserver 10."));
	assert_true(has_content(entry, "corp.example"));
	assert_int_equal(entry->mode, 0644);
	assert_false(entry->flags & MOUNT_F_RDONLY);
	assert_false(entry->flags & MOUNT_F_OPTIONAL);
	entry = planning_mount(at, HOSTS, NULL);
	assert_true(has_content(entry, "192.0.2.7"));
	assert_true(has_content(entry, "localhost"));
	MADE("--net relay --root-mode ro");
	entry = planning_mount(at, RESOLV_CONF, NULL);
	assert_true(entry->flags & MOUNT_F_RDONLY);
	assert_true(entry->flags & MOUNT_F_OPTIONAL);
}

static void the_host_root_keeps_its_hosts(void **state)
{
	struct planning *at = *state;

	assert_int_equal(host(at, "--net relay"), 0);
	assert_true(has_content(planning_mount(at, RESOLV_CONF, NULL), "nameserver 10."));
	assert_null(planning_mount(at, HOSTS, NULL));
	assert_int_equal(host(at, "--net relay --add-host db.test:192.0.2.7"), 0);
	assert_true(has_content(planning_mount(at, HOSTS, NULL), "db.test"));
	assert_true(planning_mount(at, HOSTS, NULL)->flags & MOUNT_F_RDONLY);
}

static void both_can_be_left_alone(void **state)
{
	struct planning *at = *state;

	MADE("--net relay --no-resolv");
	assert_null(planning_mount(at, RESOLV_CONF, NULL));
	assert_null(planning_mount(at, HOSTS, NULL));
	assert_true(at->plan.net.no_resolv);
	planning_write(at, "leaves", "no-resolv\n");
	MADE("--net relay --profile @/leaves --resolv");
	assert_non_null(planning_mount(at, RESOLV_CONF, NULL));
}

static void loopback_has_hosts_only(void **state)
{
	struct planning *at = *state;

	MADE("--net none");
	assert_null(planning_mount(at, RESOLV_CONF, NULL));
	assert_true(has_content(planning_mount(at, HOSTS, NULL), "127.0.0.1\tlocalhost"));
	assert_int_equal(host(at, "--net none"), 0);
	assert_null(planning_mount(at, HOSTS, NULL));
}

static void the_hosts_network_brings_the_hosts_servers(void **state)
{
	struct planning *at = *state;
	struct arena arena = { 0 };
	const char *text = net_host_resolv_conf(&arena);

	MADE("--net host");
	if (text)
		assert_string_equal(planning_mount(at, RESOLV_CONF, NULL)->content, text);
	arena_free(&arena);
	MADE("--net host --dns 192.0.2.53");
	assert_true(has_content(planning_mount(at, RESOLV_CONF, NULL), "192.0.2.53"));
	assert_int_equal(host(at, "--net host"), 0);
	assert_null(planning_mount(at, RESOLV_CONF, NULL));
}

static void what_the_user_mounts_there_holds(void **state)
{
	struct planning *at = *state;
	size_t own, theirs;

	planning_write(at, "my-hosts", "\n");
	MADE("--net relay --ro @/my-hosts:/etc/hosts");
	assert_int_equal(planning_mount(at, HOSTS, NULL)->kind, MOUNT_BIND);
	MADE("--net relay --tmpfs /etc");
	planning_mount(at, "/etc", &theirs);
	assert_non_null(planning_mount(at, RESOLV_CONF, &own));
	assert_true(own > theirs);
	MADE("--net relay --tmpfs /opt");
	planning_mount(at, "/opt", &theirs);
	planning_mount(at, RESOLV_CONF, &own);
	assert_true(own < theirs);
}

/* Which of the five a root has: what is there is bound over, what is missing is made. */
static void each_kind_of_root_file_is_bound_over(void **state)
{
	struct planning *at = *state;
	const char *path = planning_path(at, "root/etc/resolv.conf");

	planning_write(at, "root/etc/resolv.conf", "");
	MADE("--net relay");
	assert_non_null(planning_mount(at, RESOLV_CONF, NULL));
	MADE("--net relay --root-mode rw");
	assert_non_null(planning_mount(at, RESOLV_CONF, NULL));
	assert_int_equal(at->plan.note_count, 0);
	assert_int_equal(unlink(path), 0);
	MADE("--net relay");
	assert_non_null(planning_mount(at, RESOLV_CONF, NULL));
	assert_int_equal(symlink("../run/systemd/resolve/stub-resolv.conf", path), 0);
	MADE("--net relay --root-mode ro");
	assert_non_null(planning_mount(at, RESOLV_CONF, NULL));
	assert_int_equal(unlink(path), 0);
}

static void a_root_that_is_written_through_gets_no_new_file(void **state)
{
	struct planning *at = *state;

	MADE("--net relay --root-mode rw");
	assert_null(planning_mount(at, RESOLV_CONF, NULL));
	assert_null(planning_mount(at, HOSTS, NULL));
	assert_int_equal(at->plan.note_count, 1);
	assert_true(at->plan.notes[0].told);
	assert_non_null(strstr(at->plan.notes[0].text, "no names can be looked up"));
	assert_int_equal(access(planning_path(at, "root/etc/resolv.conf"), F_OK), -1);
	assert_int_equal(errno, ENOENT);
	MADE("--net relay --root-mode rw --no-resolv");
	assert_int_equal(at->plan.note_count, 0);
}

/* ---- in words ------------------------------------------------------------------------- */

static void the_network_is_told_in_words(void **state)
{
	static const char *const parts[] = {
		"through the relay",
		"10.99.0.5/16, the host is 10.99.0.2",
		"allow a.test:443 (command line)",
		"and then nothing else",
		"8080:80",
		"192.0.2.53",
		"db.test is 192.0.2.7",
		"at most 1250000 bytes",
	};
	struct planning *at = *state;
	struct arena arena = { 0 };
	const char *text;

	MADE("--net relay --ip 10.99.0.5/16 --allow a.test:443 -p 8080:80 --dns 192.0.2.53 "
	     "--add-host db.test:192.0.2.7 --net-rate 10Mbit");
	text = plan_describe(&at->plan, &arena);
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		if (!strstr(text, parts[i]))
			fail_msg("'%s' is not in\n%s", parts[i], text);
	}
	MADE("--net relay");
	text = plan_describe(&at->plan, &arena);
	assert_non_null(strstr(text, "the internet; not the host"));
	arena_free(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_tap_device_is_wanted_or_asked_for),
		cmocka_unit_test(a_network_has_room_for_three),
		cmocka_unit_test(two_networks_of_one_source_are_refused),
		cmocka_unit_test(gvisors_stack_is_where_the_network_lets_it),
		cmocka_unit_test(gvisors_stack_needs_a_tap_device),
		cmocka_unit_test(of_two_sources_the_higher_one_says_it),
		cmocka_unit_test(
			options_that_say_nothing_here_are_named_with_the_network),
		cmocka_unit_test(what_a_file_says_gives_way_to_another_network),
		cmocka_unit_test(a_foreign_configuration_has_loopback_only),
		cmocka_unit_test(options_change_the_network_of_a_configuration),
		cmocka_unit_test(a_root_gets_both_files),
		cmocka_unit_test(the_host_root_keeps_its_hosts),
		cmocka_unit_test(both_can_be_left_alone),
		cmocka_unit_test(loopback_has_hosts_only),
		cmocka_unit_test(the_hosts_network_brings_the_hosts_servers),
		cmocka_unit_test(what_the_user_mounts_there_holds),
		cmocka_unit_test(each_kind_of_root_file_is_bound_over),
		cmocka_unit_test(a_root_that_is_written_through_gets_no_new_file),
		cmocka_unit_test(the_network_is_told_in_words),
	};

	return cmocka_run_group_tests(tests, planning_make, planning_remove);
}
