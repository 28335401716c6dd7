/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `sbx-oci features` (runtime-spec, features.md): what this build knows of the
 * specification, whatever the host can do. It is made of the tables that the readers use, so
 * it cannot promise what they refuse.
 */
#include "launcher/oci.h"

#include "base/arena.h"
#include "base/error.h"
#include "base/json.h"
#include "plan/plan.h"
#include "policy/profile.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char usage[] = "features";

static int compare_words(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Sorted, so that two versions can be compared. */
static void put_words(struct json_value *parent, const char *key,
		      const char *const *words, struct arena *arena)
{
	struct json_value *list = json_put_array(parent, key);
	const char **sorted;
	size_t count = 0;

	while (words[count])
		count++;
	if (count == 0)
		return;
	sorted = arena_alloc_array(arena, count, sizeof(*sorted));
	memcpy((void *)sorted, (const void *)words, count * sizeof(*sorted));
	qsort(sorted, count, sizeof(*sorted), compare_words);
	for (size_t i = 0; i < count; i++)
		json_put_text(list, NULL, sorted[i]);
}

static void put_enabled(struct json_value *parent, const char *key, bool enabled)
{
	json_put_bool(json_put_object(parent, key), "enabled", enabled);
}

static void put_capabilities(struct json_value *parent)
{
	struct json_value *list = json_put_array(parent, "capabilities");
	const char *name;

	for (unsigned int number = 0; (name = caps_name(number)) != NULL; number++)
		json_put_text(list, NULL, name);
}

static void put_cgroup(struct json_value *parent)
{
	struct json_value *cgroup = json_put_object(parent, "cgroup");

	json_put_bool(cgroup, "v1", true);
	json_put_bool(cgroup, "v2", true);
	json_put_bool(cgroup, "systemd", SBX_HAS_SYSTEMD);
	json_put_bool(cgroup, "systemdUser", SBX_HAS_SYSTEMD);
	json_put_bool(cgroup, "rdma", true);
}

static void put_seccomp(struct json_value *parent, struct arena *arena)
{
	struct json_value *seccomp = json_put_object(parent, "seccomp");
	struct profile_words words;

	profile_known_words(arena, &words);
	json_put_bool(seccomp, "enabled", words.actions[0] != NULL);
	put_words(seccomp, "actions", words.actions, arena);
	put_words(seccomp, "operators", words.operators, arena);
	put_words(seccomp, "archs", words.arches, arena);
	put_words(seccomp, "knownFlags", words.flags, arena);
	put_words(seccomp, "supportedFlags", words.kernel_flags, arena);
}

static void put_linux(struct json_value *features, const struct plan_words *words,
		      struct arena *arena)
{
	struct json_value *object = json_put_object(features, "linux");

	put_words(object, "namespaces", words->namespaces, arena);
	put_capabilities(object);
	put_cgroup(object);
	put_seccomp(object, arena);
	put_enabled(object, "apparmor", labels_built_in(LABEL_APPARMOR));
	put_enabled(object, "selinux", labels_built_in(LABEL_SELINUX));
	put_enabled(object, "intelRdt", false);
	put_enabled(json_put_object(object, "mountExtensions"), "idmap", true);
	put_enabled(object, "netDevices", false);
}

static void put_annotations(struct json_value *features)
{
	struct json_value *annotations = json_put_object(features, "annotations");

	json_put_text(annotations, "org.opencontainers.runc.checkpoint.enabled", "false");
	json_put_text(annotations, "sbx.options", SBX_OCI_OPTIONS);
	json_put_text(annotations, "sbx.version", SBX_VERSION);
}

static const char *features_text(struct arena *arena)
{
	struct json_value *features = json_make_object(arena);
	struct plan_words words;

	plan_known_words(arena, &words);
	json_put_text(features, "ociVersionMin", "1.0.0");
	json_put_text(features, "ociVersionMax", OCI_VERSION_KNOWN);
	put_words(features, "hooks", words.hooks, arena);
	put_words(features, "mountOptions", words.mount_options, arena);
	put_linux(features, &words, arena);
	put_annotations(features);
	put_words(features, "potentiallyUnsafeConfigAnnotations", words.annotations,
		  arena);
	return json_write(features, JSON_LAYOUT_LINES, arena);
}

static int run(const struct oci_globals *globals, const char *const *words,
	       struct arena *arena, struct error *err)
{
	(void)globals;
	if (oci_read_words(&words, NULL, 0, usage, arena, err) < 0)
		return -1;
	fputs(features_text(arena), stdout);
	if (fflush(stdout) != 0)
		return error_errno(err, "print the features");
	return 0;
}

int oci_features(const struct oci_globals *globals, const char *const *words)
{
	return oci_command(globals, words, run);
}
