/* SPDX-License-Identifier: Apache-2.0 */
#include "image/input.h"

#include <string.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/json.h"
#include "base/text.h"

/*
 * Which image of an index is meant (image-spec, image-index.md and annotations.md). First the
 * names: of several the user has to say which. What is left are the same image for several
 * machines, or one.
 */

static const char ref_name[] = "org.opencontainers.image.ref.name";
static const char containerd_name[] = "io.containerd.image.name";

struct choice {
	const struct json_value **list;
	size_t count;
};

struct platform {
	const char *os, *arch, *variant; /* NULL: not said */
};

/* A text member, NULL where it is something else: descriptors are checked when they are used. */
static const char *text_of(const struct json_value *object, const char *key)
{
	const struct json_value *value = json_get(object, key);
	const char *text = NULL;
	struct error ignored;

	if (!value || json_kind_of(value) != JSON_KIND_TEXT ||
	    json_want_text(value, &text, &ignored) < 0)
		return NULL;
	return text;
}

static const char *name_of(const struct json_value *descriptor)
{
	const struct json_value *annotations = json_get(descriptor, "annotations");
	const char *name = text_of(annotations, ref_name);

	return name ? name : text_of(annotations, containerd_name);
}

static const char *digest_of_descriptor(const struct json_value *descriptor)
{
	const char *digest = text_of(descriptor, "digest");

	return digest ? digest : "";
}

static bool has_name(const struct json_value *descriptor, const char *tag,
		     bool (*is_same)(const char *name, const char *tag))
{
	const struct json_value *annotations = json_get(descriptor, "annotations");
	const char *name = text_of(annotations, ref_name);
	const char *other = text_of(annotations, containerd_name);

	return (name && is_same(name, tag)) || (other && is_same(other, tag));
}

static struct platform platform_of(const struct json_value *descriptor)
{
	const struct json_value *value = json_get(descriptor, "platform");

	return (struct platform){ text_of(value, "os"), text_of(value, "architecture"),
				  text_of(value, "variant") };
}

/* Statements about an image lie beside it as "unknown/unknown". */
static bool is_statement(const struct json_value *descriptor)
{
	struct platform platform = platform_of(descriptor);

	return platform.os && strcmp(platform.os, "unknown") == 0;
}

static void keep_all(struct choice *choice, const struct json_value *manifests,
		     struct arena *arena)
{
	choice->list = arena_alloc_array(arena, json_count(manifests) + 1,
					 sizeof(struct json_value *));
	for (size_t i = 0; i < json_count(manifests); i++) {
		if (!is_statement(json_at(manifests, i)))
			choice->list[choice->count++] = json_at(manifests, i);
	}
}

static size_t keep_named(struct choice *choice, const char *tag,
			 bool (*is_same)(const char *name, const char *tag))
{
	size_t kept = 0;

	for (size_t i = 0; i < choice->count; i++)
		kept += has_name(choice->list[i], tag, is_same) ? 1 : 0;
	if (kept == 0)
		return 0;
	kept = 0;
	for (size_t i = 0; i < choice->count; i++) {
		if (has_name(choice->list[i], tag, is_same))
			choice->list[kept++] = choice->list[i];
	}
	choice->count = kept;
	return kept;
}

/* The names in it, each once as long as they come one after the other. */
static const char *list_names(const struct choice *choice, struct arena *arena)
{
	const char **names =
		arena_alloc_array(arena, choice->count + 1, sizeof(const char *));
	size_t count = 0;

	for (size_t i = 0; i < choice->count; i++) {
		const char *name = name_of(choice->list[i]);

		if (!name)
			name = digest_of_descriptor(choice->list[i]);
		if (count == 0 || strcmp(names[count - 1], name) != 0)
			names[count++] = name;
	}
	return texts_joined(names, count, arena);
}

static bool is_same_name(const struct json_value *a, const struct json_value *b)
{
	const char *one = name_of(a);
	const char *other = name_of(b);

	return strcmp(one ? one : "", other ? other : "") == 0;
}

static bool are_one_name(const struct choice *choice)
{
	for (size_t i = 1; i < choice->count; i++) {
		if (!is_same_name(choice->list[0], choice->list[i]))
			return false;
	}
	return true;
}

static bool are_one_digest(const struct choice *choice)
{
	for (size_t i = 1; i < choice->count; i++) {
		if (strcmp(digest_of_descriptor(choice->list[0]),
			   digest_of_descriptor(choice->list[i])) != 0)
			return false;
	}
	return choice->count > 0;
}

static int choose_name(struct choice *choice, const char *tag, struct arena *arena,
		       struct error *err)
{
	if (tag && keep_named(choice, tag, texts_is_exact) == 0 &&
	    keep_named(choice, tag, texts_is_near) == 0)
		return error_set(err, ERROR_IMAGE, "find the image %s: there is %s", tag,
				 list_names(choice, arena));
	if (are_one_digest(choice) || are_one_name(choice))
		return 0;
	error_set(err, ERROR_IMAGE, "choose one of several images: %s",
		  list_names(choice, arena));
	return error_hint(err, "write its name behind the file's, as in oci:DIR:NAME");
}

/* ---- platforms ----------------------------------------------------------------------- */

/* What a machine has where nobody says more (image-spec, "Platform Variants"). */
static unsigned int default_variant(const char *arch)
{
	if (strcmp(arch, "arm64") == 0)
		return 8;
	if (strcmp(arch, "arm") == 0)
		return 7;
	return 1;
}

static unsigned int variant_number(const char *variant, const char *arch)
{
	uint32_t number = 0;

	if (!variant || variant[0] != 'v' || text_to_u32(variant + 1, &number) < 0)
		return default_variant(arch);
	return number;
}

enum {
	SCORE_BAD = -1,
	SCORE_UNSAID = 1,
	SCORE_NEWER = 2, /* the machine may be as new; there is nothing better */
	SCORE_FITS = 1000,
};

/* How well a platform fits a machine, as "arm64" or "arm/v7". */
static int score(const struct platform *platform, const char *machine,
		 struct arena *arena)
{
	const char *slash = strchr(machine, '/');
	const char *arch =
		slash ? arena_strndup(arena, machine, (size_t)(slash - machine))
		      : machine;
	const char *known = platform->arch ? image_arch_of_machine(platform->arch) : NULL;
	unsigned int has;
	unsigned int wants;

	if (platform->os && strcmp(platform->os, "linux") != 0)
		return SCORE_BAD;
	if (!platform->arch)
		return SCORE_UNSAID;
	if (strcmp(known ? known : platform->arch, arch) != 0)
		return SCORE_BAD;
	has = variant_number(slash ? slash + 1 : NULL, arch);
	wants = variant_number(platform->variant, arch);
	if (wants > has)
		return slash ? SCORE_BAD : SCORE_NEWER;
	return SCORE_FITS -
	       (int)(has - wants < SCORE_FITS / 2 ? has - wants : SCORE_FITS / 2);
}

static const char *list_machines(const struct choice *choice, struct arena *arena)
{
	const char **names =
		arena_alloc_array(arena, choice->count + 1, sizeof(const char *));
	size_t count = 0;

	for (size_t i = 0; i < choice->count; i++) {
		struct platform platform = platform_of(choice->list[i]);
		const char *name = platform.arch ? platform.arch : "unknown";

		if (platform.os && strcmp(platform.os, "linux") != 0)
			name = arena_printf(arena, "%s/%s", platform.os, name);
		if (count == 0 || strcmp(names[count - 1], name) != 0)
			names[count++] = name;
	}
	return texts_joined(names, count, arena);
}

static const struct json_value *choose_platform(const struct choice *choice,
						const char *machine, struct arena *arena,
						struct error *err)
{
	const struct json_value *best = NULL;
	int best_score = 0;

	for (size_t i = 0; i < choice->count; i++) {
		struct platform platform = platform_of(choice->list[i]);
		int fits = SCORE_UNSAID;

		if (machine)
			fits = score(&platform, machine, arena);
		else if (platform.os && strcmp(platform.os, "linux") != 0)
			fits = SCORE_BAD;
		if (fits > best_score) {
			best = choice->list[i];
			best_score = fits;
		}
	}
	if (!best)
		error_set(err, ERROR_ARCHITECTURE,
			  "start: unsupported architecture: %s (this machine: %s)",
			  list_machines(choice, arena), machine ? machine : "linux");
	return best;
}

const struct json_value *oci_choose(const struct json_value *manifests,
				    const struct image_job *job, bool by_name,
				    const char **ret_name, struct arena *arena,
				    struct error *err)
{
	struct choice choice = { 0 };
	const struct json_value *chosen;

	keep_all(&choice, manifests, arena);
	if (choice.count == 0) {
		error_set(err, ERROR_IMAGE, "read the image: its index names none");
		return NULL;
	}
	if (by_name && choose_name(&choice, job->tag, arena, err) < 0)
		return NULL;
	chosen = are_one_digest(&choice)
			 ? choice.list[0]
			 : choose_platform(&choice, job->arch, arena, err);
	if (chosen && by_name)
		*ret_name = name_of(chosen);
	return chosen;
}
