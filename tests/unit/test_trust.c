/* SPDX-License-Identifier: Apache-2.0 */
/* Whose keys count for a name: what is typed, prefixes, links, and what cannot be read. */
#include "base/arena.h"
#include "base/error.h"
#include "base/files.h"
#include "image/trust_store.h"
#include "tests/unit/signature_files.h"
#include "tests/unit/temporary.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "emulated.h"

#define MINISIGN "E5A9D278E37F85D5"
#define OTHER    "5FC34C6FD2550B0D"
#define SIGNIFY  "34F54C3747D4FDC5"
#define OPENPGP  "96DD4EB108942803C5DFDF2EA6CC5FE089FFC997"

/* A directory with user/, etc/ and files/, new for each test. */
struct scene {
	struct arena arena;
	const char *path;
	struct trust_places places;
};

static const char *below(struct scene *scene, const char *name)
{
	return arena_printf(&scene->arena, "%s/%s", scene->path, name);
}

static void make_dir(struct scene *scene, const char *name)
{
	assert_int_equal(mkdir(below(scene, name), 0700), 0);
}

static void open_scene(struct scene *scene, void **state)
{
	const struct temporary *temporary = *state;
	char *name;

	memset(scene, 0, sizeof(*scene));
	name = arena_printf(&scene->arena, "%s/scene-XXXXXX", temporary->path);
	assert_non_null(mkdtemp(name));
	scene->path = name;
	make_dir(scene, "config");
	make_dir(scene, "etc");
	make_dir(scene, "files");
	assert_int_equal(setenv("XDG_CONFIG_HOME", below(scene, "config"), 1), 0);
	scene->places.dirs[TRUST_USER] = below(scene, "config/sbx/trust.d");
	scene->places.dirs[TRUST_ETC] = below(scene, "etc");
}

static void close_scene(struct scene *scene)
{
	arena_free(&scene->arena);
}

static void add(struct scene *scene, const char *prefix, const char *key)
{
	struct trust_key added;
	struct error err;

	/* An emulator shows another root to who opens it. */
	if (is_emulated())
		skip();
	if (trust_add(prefix, signature_file_path(key, &scene->arena), &scene->arena,
		      &added, &err) < 0)
		fail_msg("%s: %s", key, err.text);
}

static void write_file(struct scene *scene, const char *name, const char *text)
{
	assert_int_equal(
		files_replace(AT_FDCWD, below(scene, name), text, strlen(text), 0644), 0);
}

/* A key of the machine's. */
static void add_etc(struct scene *scene, const char *prefix, const char *key)
{
	const char *dir = arena_printf(&scene->arena, "etc/%s",
				       trust_prefix_encode(prefix, &scene->arena));
	size_t length;

	make_dir(scene, dir);
	write_file(scene, arena_printf(&scene->arena, "%s/x.minisign", dir),
		   signature_file_read(key, &scene->arena, &length));
}

/* The ids of the keys that cover the name, with blanks between. */
static const char *cover(struct scene *scene, const char *name)
{
	struct trust_key *keys;
	struct error err;
	const char *ids = "";
	size_t count;

	if (trust_find_in(&scene->places, name, &scene->arena, &keys, &count, &err) < 0)
		return arena_printf(&scene->arena, "cannot %s", err.text);
	for (size_t i = 0; i < count; i++)
		ids = arena_printf(&scene->arena, "%s%s%s", ids, i ? " " : "",
				   keys[i].id);
	return ids;
}

/* What is asked for an operand that was typed. */
static const char *cover_typed(struct scene *scene, const char *operand)
{
	struct error err;
	const char *name = trust_name(operand, &scene->arena, &err);

	assert_non_null(name);
	return cover(scene, name);
}

/* ---- names ------------------------------------------------------------------------------ */

static void prefixes_are_compared_by_whole_components(void **state)
{
	(void)state;
	assert_true(trust_prefix_covers("/", "/srv/a"));
	assert_true(trust_prefix_covers("/", "-"));
	assert_true(trust_prefix_covers("/", "docker://a"));
	assert_true(trust_prefix_covers("/srv/a", "/srv/a"));
	assert_true(trust_prefix_covers("/srv/a", "/srv/a/b"));
	assert_false(trust_prefix_covers("/srv/a", "/srv/ab"));
	assert_false(trust_prefix_covers("/srv/a", "/srv"));
	assert_false(trust_prefix_covers("/srv/a", "/srv/a:b"));
	assert_true(trust_prefix_covers("docker://r/x", "docker://r/x:tag"));
	assert_true(trust_prefix_covers("docker://r/x", "docker://r/x@sha256:0"));
	assert_false(trust_prefix_covers("docker://r/x", "docker://r/xy"));
}

static void what_was_typed_becomes_absolute_and_clean(void **state)
{
	static const char *const cases[][2] = {
		{ "/srv/a.tar", "/srv/a.tar" },
		{ "//srv///a.tar", "/srv/a.tar" },
		{ "/srv/./b/../a.tar", "/srv/a.tar" },
		{ "/../../srv/a.tar/", "/srv/a.tar" },
		{ "/srv/..", "/" },
		{ "/srv/...", "/srv/..." },
		{ "/srv/.a/b..", "/srv/.a/b.." },
		{ "oci:/srv/layout", "/srv/layout" },
		{ "oci:/srv/../x/layout", "/x/layout" },
		{ "oci-archive:/srv/a.tar", "/srv/a.tar" },
		{ "docker-archive:/srv/a.tar", "/srv/a.tar" },
		{ "docker://debian:12", "docker://debian:12" },
	};
	struct arena arena = { 0 };
	struct error err;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		assert_string_equal(trust_name(cases[i][0], &arena, &err), cases[i][1]);
	arena_free(&arena);
}

static void relative_names_begin_where_one_stands(void **state)
{
	struct scene scene;
	struct error err;

	open_scene(&scene, state);
	make_dir(&scene, "files/in");
	assert_int_equal(chdir(below(&scene, "files/in")), 0);
	assert_string_equal(trust_name("../a.tar", &scene.arena, &err),
			    below(&scene, "files/a.tar"));
	/* It looks like a reference, and is a file if there is one. */
	assert_string_equal(trust_name("x://../../a.tar", &scene.arena, &err),
			    below(&scene, "files/a.tar"));
	assert_int_equal(chdir("/"), 0);
	close_scene(&scene);
}

static void prefixes_go_into_file_names_and_back(void **state)
{
	static const char *const cases[][2] = {
		{ "/", "%2F" },
		{ "/srv/100%", "%2Fsrv%2F100%25" },
		{ "/%2F", "%2F%252F" },
		{ "docker://r/x", "docker:%2F%2Fr%2Fx" },
	};
	static const char *const bad[] = { "srv",           "%2Fsrv%2F", "%2f",
					   "%2F%41",        "%",         "%2F%",
					   "%2Fa%2F..%2Fb", "%2F%2Fsrv", "README",
					   "%2F." };
	struct arena arena = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		assert_string_equal(trust_prefix_encode(cases[i][0], &arena),
				    cases[i][1]);
		assert_string_equal(trust_prefix_decode(cases[i][1], &arena),
				    cases[i][0]);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		assert_null(trust_prefix_decode(bad[i], &arena));
	arena_free(&arena);
}

/* ---- whose ------------------------------------------------------------------------------ */

static void the_longest_prefix_decides(void **state)
{
	struct scene scene;

	open_scene(&scene, state);
	assert_string_equal(cover(&scene, "/srv/a.tar"), "");
	add(&scene, "/", "minisign.pub");
	add(&scene, "/srv/", "signify.pub");
	add(&scene, "/srv/vendor", "minisign-other.pub");
	assert_string_equal(cover(&scene, "/home/a.tar"), MINISIGN);
	assert_string_equal(cover(&scene, "/srv/a.tar"), SIGNIFY);
	assert_string_equal(cover(&scene, "/srv/vendor/a.tar"), OTHER);
	assert_string_equal(cover(&scene, "/srv/vendor2/a.tar"), SIGNIFY);
	assert_string_equal(cover(&scene, "-"), MINISIGN);
	close_scene(&scene);
}

static void keys_of_both_directories_count(void **state)
{
	struct scene scene;

	open_scene(&scene, state);
	add(&scene, "/srv", "minisign.pub");
	add(&scene, "/srv", "openpgp.asc");
	add_etc(&scene, "/srv", "minisign-other.pub");
	add_etc(&scene, "/srv/deep", "minisign-other.pub");
	assert_string_equal(cover(&scene, "/srv/a"), OPENPGP " " MINISIGN " " OTHER);
	assert_string_equal(cover(&scene, "/srv/deep/a"), OTHER);
	close_scene(&scene);
}

static void a_prefix_without_keys_covers_nothing(void **state)
{
	struct scene scene;

	open_scene(&scene, state);
	add(&scene, "/", "minisign.pub");
	make_dir(&scene, "etc/%2Fsrv");
	write_file(&scene, "etc/%2Fsrv/.hidden", "");
	assert_string_equal(cover(&scene, "/srv/a.tar"), MINISIGN);
	close_scene(&scene);
}

static void a_covered_file_is_covered_through_links(void **state)
{
	struct scene scene;

	open_scene(&scene, state);
	make_dir(&scene, "files/covered");
	write_file(&scene, "files/covered/a.tar", "");
	add(&scene, below(&scene, "files/covered"), "minisign.pub");
	assert_int_equal(symlink("covered", below(&scene, "files/link")), 0);
	assert_int_equal(symlink("covered/a.tar", below(&scene, "files/b.tar")), 0);
	assert_string_equal(cover_typed(&scene, below(&scene, "files/covered/a.tar")),
			    MINISIGN);
	assert_string_equal(cover_typed(&scene, below(&scene, "files/link/a.tar")),
			    MINISIGN);
	assert_string_equal(cover_typed(&scene, below(&scene, "files/b.tar")), MINISIGN);
	assert_string_equal(cover_typed(&scene, below(&scene, "files/x/../b.tar")),
			    MINISIGN);
	assert_string_equal(
		cover_typed(&scene, arena_printf(&scene.arena, "/proc/self/root/%s",
						 below(&scene, "files/b.tar"))),
		MINISIGN);
	assert_int_equal(chdir(below(&scene, "files")), 0);
	assert_string_equal(cover_typed(&scene, "b.tar"), MINISIGN);
	assert_string_equal(cover_typed(&scene, "link/./a.tar"), MINISIGN);
	assert_string_equal(cover_typed(&scene, "/proc/self/cwd/b.tar"), MINISIGN);
	assert_string_equal(cover_typed(&scene, "covered-not/a.tar"), "");
	assert_int_equal(chdir("/"), 0);
	close_scene(&scene);
}

static void a_prefix_that_is_a_link_covers_what_it_leads_to(void **state)
{
	struct scene scene;

	open_scene(&scene, state);
	make_dir(&scene, "files/real");
	write_file(&scene, "files/real/a.tar", "");
	assert_int_equal(symlink("real", below(&scene, "files/link")), 0);
	add(&scene, below(&scene, "files/link"), "minisign.pub");
	assert_string_equal(cover_typed(&scene, below(&scene, "files/link/a.tar")),
			    MINISIGN);
	assert_string_equal(cover_typed(&scene, below(&scene, "files/real/a.tar")),
			    MINISIGN);
	close_scene(&scene);
}

/* Else whoever can make a link in a covered directory could choose the key. */
static void links_in_a_covered_place_do_not_choose_the_key(void **state)
{
	struct scene scene;

	open_scene(&scene, state);
	make_dir(&scene, "files/a");
	make_dir(&scene, "files/elsewhere");
	write_file(&scene, "files/elsewhere/x.tar", "");
	assert_int_equal(symlink("../elsewhere/x.tar", below(&scene, "files/a/x.tar")),
			 0);
	add(&scene, below(&scene, "files/a"), "minisign.pub");
	add(&scene, below(&scene, "files/elsewhere"), "minisign-other.pub");
	assert_string_equal(cover_typed(&scene, below(&scene, "files/a/x.tar")),
			    MINISIGN);
	close_scene(&scene);
}

static void what_is_not_understood_is_an_error(void **state)
{
	static const char *const names[] = { "etc/README", "etc/%2Fsrv/key.asc",
					     "etc/%2Fsrv/x.minisign",
					     "etc/%2Fsrv/x.pgp" };
	struct scene scene;
	size_t length;

	open_scene(&scene, state);
	make_dir(&scene, "etc/%2Fsrv");
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		write_file(&scene, names[i],
			   i < 3 ? "nothing"
				 : signature_file_read("minisign.pub", &scene.arena,
						       &length));
		assert_memory_equal(cover(&scene, "/srv/a"), "cannot use the ", 15);
		assert_int_equal(unlink(below(&scene, names[i])), 0);
	}
	assert_string_equal(cover(&scene, "/srv/a"), "");
	close_scene(&scene);
}

static void what_everybody_may_write_is_an_error(void **state)
{
	struct scene scene;

	open_scene(&scene, state);
	add_etc(&scene, "/srv", "minisign.pub");
	assert_int_equal(chmod(below(&scene, "etc/%2Fsrv/x.minisign"), 0666), 0);
	assert_memory_equal(cover(&scene, "/srv/a"), "cannot trust ", 13);
	assert_int_equal(chmod(below(&scene, "etc/%2Fsrv/x.minisign"), 0664), 0);
	assert_int_equal(chmod(below(&scene, "etc/%2Fsrv"), 0777), 0);
	assert_memory_equal(cover(&scene, "/srv/a"), "cannot trust ", 13);
	assert_int_equal(chmod(below(&scene, "etc/%2Fsrv"), 0755), 0);
	assert_int_equal(chmod(below(&scene, "etc"), 0777), 0);
	assert_memory_equal(cover(&scene, "/other"), "cannot trust ", 13);
	close_scene(&scene);
}

static void what_cannot_be_read_is_an_error(void **state)
{
	static const char *const names[] = { "etc/%2Fsrv/x.minisign", "etc/%2Fsrv",
					     "etc" };
	struct scene scene;

	if (geteuid() == 0)
		skip();
	open_scene(&scene, state);
	add(&scene, "/", "signify.pub");
	add_etc(&scene, "/srv", "minisign.pub");
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(chmod(below(&scene, names[i]), 0), 0);
		assert_memory_equal(cover(&scene, "/srv/a"), "cannot ", 7);
		assert_int_equal(chmod(below(&scene, names[i]), 0700), 0);
	}
	assert_string_equal(cover(&scene, "/srv/a"), MINISIGN);
	close_scene(&scene);
}

/* ---- what a signer of once is worth now --------------------------------------------------- */

static void a_signer_counts_where_its_key_does(void **state)
{
	struct scene scene;
	struct error err;
	struct trust_key key;

	open_scene(&scene, state);
	assert_int_equal(trust_covers_signer("/srv/a", NULL, &scene.arena, &err), 1);
	add(&scene, "/srv", "minisign.pub");
	assert_int_equal(trust_read_key(signature_file_path("minisign.pub", &scene.arena),
					&scene.arena, &key, &err),
			 0);
	assert_int_equal(trust_covers_signer("/srv/a", NULL, &scene.arena, &err), 0);
	/* The id is a number that another key can have, too. */
	assert_int_equal(trust_covers_signer("/srv/a", key.id, &scene.arena, &err), 0);
	assert_int_equal(trust_covers_signer("/srv/a", key.signer, &scene.arena, &err),
			 1);
	assert_int_equal(trust_covers_signer("/other", NULL, &scene.arena, &err), 1);
	close_scene(&scene);
}

static void keys_come_once_and_go(void **state)
{
	struct scene scene;
	struct trust_key key;
	struct error err;

	open_scene(&scene, state);
	add(&scene, "/srv", "minisign.pub");
	add(&scene, "/srv", "minisign.pub");
	add(&scene, "/srv", "openpgp.pgp");
	assert_string_equal(cover(&scene, "/srv/a"), OPENPGP " " MINISIGN);
	assert_int_equal(trust_remove("/srv/", "e5a9d278e37f85d5", &err), 0);
	assert_string_equal(cover(&scene, "/srv/a"), OPENPGP);
	assert_int_equal(trust_remove("/srv", MINISIGN, &err), -1);
	assert_int_equal(trust_remove("/srv", NULL, &err), 0);
	assert_string_equal(cover(&scene, "/srv/a"), "");
	assert_int_equal(trust_remove("/srv", NULL, &err), -1);
	assert_int_equal(trust_add("", signature_file_path("minisign.pub", &scene.arena),
				   &scene.arena, &key, &err),
			 -1);
	close_scene(&scene);
}

static void a_key_does_not_take_the_place_of_another_with_its_id(void **state)
{
	static const char forged[] =
		"RWTVhX/jeNKp5QAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
	struct scene scene;
	struct trust_key key;
	struct error err;

	open_scene(&scene, state);
	add(&scene, "/srv", "minisign.pub");
	write_file(&scene, "files/forged.pub", forged);
	assert_int_equal(trust_add("/srv", below(&scene, "files/forged.pub"),
				   &scene.arena, &key, &err),
			 -1);
	assert_string_equal(err.text,
			    "trust the key " MINISIGN ": there is another " MINISIGN
			    ".minisign for /srv");
	close_scene(&scene);
}

/* ---- signatures ------------------------------------------------------------------------- */

static void copy(struct scene *scene, const char *from, const char *to)
{
	size_t length;
	const char *text = signature_file_read(from, &scene->arena, &length);

	assert_int_equal(files_replace(AT_FDCWD, below(scene, to), text, length, 0644),
			 0);
}

static void the_signature_that_a_key_could_have_made_is_taken(void **state)
{
	const struct trust_key minisign = { .scheme = TRUST_MINISIGN };
	const struct trust_key openpgp = { .scheme = TRUST_OPENPGP };
	struct trust_signature found;
	struct scene scene;
	struct error err;
	const char *file;

	open_scene(&scene, state);
	file = below(&scene, "files/a.tar");
	assert_int_equal(trust_find_signature(file, NULL, &minisign, 1, &scene.arena,
					      &found, &err),
			 -1);
	assert_string_equal(err.text,
			    "there is no signature beside it (.minisig, .sig or .asc)");
	copy(&scene, "openpgp.sig", "files/a.tar.sig");
	assert_int_equal(trust_find_signature(file, NULL, &minisign, 1, &scene.arena,
					      &found, &err),
			 -1);
	copy(&scene, "hashed.minisig", "files/a.tar.minisig");
	assert_int_equal(trust_find_signature(file, NULL, &minisign, 1, &scene.arena,
					      &found, &err),
			 0);
	assert_string_equal(found.path, below(&scene, "files/a.tar.minisig"));
	assert_int_equal(found.family, TRUST_FAMILY_ED25519);
	assert_int_equal(
		trust_find_signature(file, NULL, &openpgp, 1, &scene.arena, &found, &err),
		0);
	assert_string_equal(found.path, below(&scene, "files/a.tar.sig"));
	assert_int_equal(found.family, TRUST_FAMILY_OPENPGP);
	copy(&scene, "image.tar", "files/a.tar.minisig");
	assert_int_equal(
		trust_find_signature(file, NULL, &openpgp, 1, &scene.arena, &found, &err),
		-1);
	close_scene(&scene);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(prefixes_are_compared_by_whole_components),
		cmocka_unit_test(what_was_typed_becomes_absolute_and_clean),
		cmocka_unit_test(relative_names_begin_where_one_stands),
		cmocka_unit_test(prefixes_go_into_file_names_and_back),
		cmocka_unit_test(the_longest_prefix_decides),
		cmocka_unit_test(keys_of_both_directories_count),
		cmocka_unit_test(a_prefix_without_keys_covers_nothing),
		cmocka_unit_test(a_covered_file_is_covered_through_links),
		cmocka_unit_test(a_prefix_that_is_a_link_covers_what_it_leads_to),
		cmocka_unit_test(links_in_a_covered_place_do_not_choose_the_key),
		cmocka_unit_test(what_is_not_understood_is_an_error),
		cmocka_unit_test(what_everybody_may_write_is_an_error),
		cmocka_unit_test(what_cannot_be_read_is_an_error),
		cmocka_unit_test(a_signer_counts_where_its_key_does),
		cmocka_unit_test(keys_come_once_and_go),
		cmocka_unit_test(a_key_does_not_take_the_place_of_another_with_its_id),
		cmocka_unit_test(the_signature_that_a_key_could_have_made_is_taken),
	};

	return cmocka_run_group_tests(tests, temporary_make, temporary_remove);
}
