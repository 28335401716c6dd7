/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How an image becomes the root of a run. What was extracted once lies in the cache, layer by
 * layer, and is only taken; what is new is extracted there, or, without a cache, into memory.
 */
#include "launcher/images.h"

#include "base/arena.h"
#include "base/error.h"
#include "base/fd.h"
#include "base/json.h"
#include "base/page.h"
#include "base/text.h"
#include "image/cache.h"
#include "image/trust.h"
#include "launcher/report.h"
#include "launcher/verify.h"
#include "plan/plan.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define CACHE_SIZE (UINT64_C(10) << 30)

/* One image on its way to being a root. */
struct request {
	const struct image_spec *image;
	const struct ids_spec *ids;
	struct arena *arena;
	const char *path, *tag, *kind; /* path NULL: standard input */
	const char *arch;              /* of this machine, in OCI's words */
	const char *map;               /* the name of the ids, for the cache */
	const char *scope;             /* and of whose word is taken for its layers */
	const char *name;              /* what trust is asked about */
	struct verified verified;
	int given; /* a descriptor of ours that was named as a path; -1: none */
	int spool; /* a stream that was verified, from its beginning; -1: none */
	bool squash, has_stat, is_verified;
	struct stat stat; /* of the file, or of a layout's index */
	struct cache cache;
	struct image_config config;
	const char **layers; /* directories of the layers, lowest first */
	const char **keys;
	int *locks;
	size_t taken;
	uint64_t bytes, entries;
	const char *digest;
};

/* ---- what is asked for ----------------------------------------------------------------- */

static void put_map(struct page *page, char kind, const struct id_map *map)
{
	for (size_t i = 0; i < map->count; i++)
		page_printf(page, "%c %u %u %u\n", kind, map->ranges[i].inside,
			    map->ranges[i].outside, map->ranges[i].count);
}

static const char *name_map(const struct request *request)
{
	struct page page = { .arena = request->arena };

	put_map(&page, 'u', &request->ids->uids);
	put_map(&page, 'g', &request->ids->gids);
	return cache_map_name(page_text(&page), request->squash, request->arena);
}

static bool maps_one_id(const struct id_map *map)
{
	return map->count == 1 && map->ranges[0].count == 1;
}

/* What tells whether it is the same as before: of a layout, the index. */
static void look(struct request *request)
{
	const char *path = request->path;

	if (!path)
		return;
	if (request->kind && strcmp(request->kind, "oci") == 0)
		path = arena_printf(request->arena, "%s/index.json", path);
	request->has_stat =
		stat(path, &request->stat) == 0 && S_ISREG(request->stat.st_mode);
}

/* What these names mean in sbx-image is something else: it is handed on, as a stream. */
static void take_given(struct request *request)
{
	if (!request->path || (!text_starts_with(request->path, "/dev/fd/") &&
			       !text_starts_with(request->path, "/proc/self/fd/") &&
			       strcmp(request->path, "/dev/stdin") != 0))
		return;
	request->given = open(request->path, O_RDONLY | O_NOCTTY | O_CLOEXEC);
	if (request->given >= 0)
		request->path = NULL;
}

static void prepare(struct request *request)
{
	const char *operand = request->image->operand;

	if (strcmp(operand, "-") != 0)
		request->path =
			image_operand_path(operand, request->arena, &request->tag);
	request->kind = images_kind(operand);
	request->arch = images_own_arch(request->arena);
	/* With one id there is nobody else whom a file could belong to. */
	request->squash = request->image->squash || maps_one_id(&request->ids->uids);
	request->map = request->scope = name_map(request);
	take_given(request);
	look(request);
}

static struct image_job make_job(const struct request *request, enum image_task task)
{
	return (struct image_job){
		.task = task,
		.socket = -1,
		.path = request->path,
		.input_fd = request->path         ? -1
			    : request->spool >= 0 ? request->spool
			    : request->given >= 0 ? request->given
						  : STDIN_FILENO,
		.kind = request->kind,
		.tag = request->tag,
		.arch = request->arch,
		.first = 0,
		.last = -1,
		.squash = request->squash,
		.expected = request->verified.blake2b,
		.memory = request->image->memory,
	};
}

/* As long as a bar shows of it, at most. */
static const char *title_of(const struct request *request)
{
	enum { TITLE_SIZE = 64 };
	const char *slash = request->path ? strrchr(request->path, '/') : NULL;

	if (!request->path)
		return "standard input";
	return text_printable(arena_alloc(request->arena, TITLE_SIZE), TITLE_SIZE,
			      slash && slash[1] ? slash + 1 : request->path);
}

static int read_config(struct request *request, const struct images_result *result,
		       struct error *err)
{
	if (result->document_count == 0)
		return error_set(err, ERROR_IMAGE,
				 "understand sbx-image: it says nothing");
	if (image_config_read(result->documents[0], request->arena, &request->config,
			      err) < 0)
		return -1;
	request->digest = request->config.digest;
	return 0;
}

/* The closing document of an extraction. */
static int read_figures(struct request *request, const struct images_result *result,
			const char **ret_digest, uint64_t *ret_bytes, struct error *err)
{
	const struct json_value *figures;
	uint64_t entries = 0;

	if (result->document_count < 2)
		return error_set(err, ERROR_IMAGE,
				 "understand sbx-image: it says too little");
	figures = result->documents[result->document_count - 1];
	*ret_digest = "";
	if (json_get_text(figures, "digest", ret_digest, err) < 0 ||
	    json_get_unsigned(figures, "bytes", UINT64_MAX, ret_bytes, err) < 0 ||
	    json_get_unsigned(figures, "entries", UINT64_MAX, &entries, err) < 0)
		return -1;
	request->bytes += *ret_bytes;
	request->entries += entries;
	return 0;
}

/* ---- trust ----------------------------------------------------------------------------- */

/*
 * Who took over sbx-image with one image could call its files by the digest of another's: so
 * the layers of what a key covers are shared with nothing that no key, or another one, covers.
 */
static const char *scope_of(const struct request *request)
{
	const char *signer = request->verified.signer;

	if (!signer)
		return request->map;
	return arena_printf(request->arena, "%s-%s", request->map,
			    cache_map_name(signer, false, request->arena));
}

static int verify(struct request *request, struct error *err)
{
	const struct image_spec *image = request->image;

	if (request->is_verified)
		return 0;
	if (images_verify_input(image->operand, request->name, image->signature,
				image->insecure, request->arena, &request->spool,
				&request->verified, err) < 0)
		return -1;
	request->is_verified = true;
	request->scope = scope_of(request);
	return 0;
}

/* Nobody wants another answer than the one that was kept. */
static bool image_is_settled(const struct request *request)
{
	return !request->image->signature && !request->image->insecure;
}

/*
 * What was kept under the key that covers it now, or under any where none has to, can be
 * used. Else it is read anew, however much the file looks like what it was before: one that
 * is mapped into memory can change without a sign. 1: it can be used; 0: not; -1: error.
 */
static int verify_known(struct request *request, const struct cache_record *record,
			struct error *err)
{
	const int covered = image_is_settled(request)
				    ? trust_covers_signer(request->name, record->signer,
							  request->arena, err)
				    : 0;
	const char *signer;

	if (covered != 0)
		return covered < 0 ? -1 : 1;
	if (verify(request, err) < 0)
		return -1;
	signer = request->verified.signer;
	return !signer || (record->signer && strcmp(signer, record->signer) == 0);
}

/* ---- without a cache ------------------------------------------------------------------- */

/* sbx-image does not know whose its target is, nor that there is another way. */
static int advise(struct error *err, const char *hint)
{
	if (err->errnum == ENOSPC || err->errnum == EDQUOT)
		return error_hint(err, "%s", hint);
	return -1;
}

static int inspect(struct request *request, struct error *err)
{
	struct image_job job = make_job(request, IMAGE_TASK_INSPECT);
	struct images_result result;

	if (images_do(request->ids, &job, NULL, request->arena, &result, err) < 0)
		return -1;
	return read_config(request, &result, err);
}

static int extract_to_memory(struct request *request, struct image_root *root,
			     struct error *err)
{
	struct image_job job = make_job(request, IMAGE_TASK_EXTRACT);
	struct images_result result;
	const char *digest = NULL;
	uint64_t bytes;

	job.mounts = request->image->runs ? request->image->runs : 1;
	job.undigested = !request->image->wants_digest;
	if (images_do(request->ids, &job, title_of(request), request->arena, &result,
		      err) < 0)
		return advise(err, "--scratch-size SIZE gives it more memory");
	if (result.mount_count != (size_t)job.mounts) {
		images_result_close(&result);
		return error_set(err, ERROR_IMAGE,
				 "understand sbx-image: there is no root");
	}
	root->mount = result.mounts[0];
	root->mounts = root->held = result.mounts;
	root->held_count = result.mount_count;
	if (read_config(request, &result, err) < 0)
		return -1;
	if (read_figures(request, &result, &digest, &bytes, err) < 0)
		return -1;
	if (!request->digest && digest && *digest)
		request->digest = digest;
	return 0;
}

/* ---- the cache ------------------------------------------------------------------------- */

static void make_room(struct request *request, size_t count)
{
	request->layers =
		arena_alloc_array(request->arena, count + 1, sizeof(*request->layers));
	request->keys =
		arena_alloc_array(request->arena, count + 1, sizeof(*request->keys));
	request->locks =
		arena_alloc_array(request->arena, count + 1, sizeof(*request->locks));
}

static void give_back(struct request *request)
{
	for (size_t i = 0; i < request->taken; i++)
		fd_close(&request->locks[i]);
	request->taken = 0;
}

/* 1: it is there and ours for now; 0: not; -1: error. */
static int take_layer(struct request *request, const char *key, struct error *err)
{
	const size_t i = request->taken;
	const int found = cache_take_layer(&request->cache, key, request->arena,
					   &request->locks[i], &request->layers[i], err);

	if (found != 1)
		return found;
	request->keys[i] = key;
	request->taken++;
	return 1;
}

/* An image that was seen before, with all its layers. 1: it is taken; 0: not. */
static int take_known(struct request *request, struct error *err)
{
	struct cache_record record;
	int found;

	if (!request->has_stat)
		return 0;
	found = cache_find_file(&request->cache, &request->stat, request->tag,
				request->map, request->arena, &record, err);
	if (found != 1)
		return found;
	make_room(request, record.key_count);
	for (size_t i = 0; i < record.key_count; i++) {
		found = take_layer(request, record.keys[i], err);
		if (found != 1) {
			give_back(request);
			return found;
		}
	}
	found = verify_known(request, &record, err);
	if (found != 1) {
		give_back(request);
		return found;
	}
	cache_touch(&request->cache, &record);
	request->config = record.config;
	request->digest = record.id;
	return 1;
}

/*
 * It is the layer that was asked for, in what the file is now: its owner may have put another
 * one there since, with digests that are true of that one.
 */
static int check_chain(const struct request *request, const struct images_result *result,
		       size_t index, const char *chain, struct error *err)
{
	struct image_config config;

	if (image_config_read(result->documents[0], request->arena, &config, err) < 0)
		return -1;
	if (config.layer_count == request->config.layer_count &&
	    strcmp(config.chains[index], chain) == 0)
		return 0;
	return error_set(err, ERROR_IMAGE, "use %s: it changed while it was read",
			 request->path);
}

/*
 * One layer into the cache, above those that are taken. A tar has its digest only once it
 * was read.
 */
static int extract_layer(struct request *request, int index, const char *chain,
			 struct error *err)
{
	struct image_job job = make_job(request, IMAGE_TASK_EXTRACT);
	const size_t i = request->taken;
	struct images_result result;
	struct cache_place place;
	const char *digest = NULL;
	uint64_t bytes = 0;

	if (cache_make_place(&request->cache, request->arena, &place, err) < 0)
		return -1;
	job.first = job.last = index;
	job.into = place.path;
	job.lowers = request->layers;
	job.lower_count = i;
	if (images_do(request->ids, &job, title_of(request), request->arena, &result,
		      err) < 0 ||
	    read_figures(request, &result, &digest, &bytes, err) < 0 ||
	    check_chain(request, &result, (size_t)index, chain, err) < 0) {
		cache_drop_place(&request->cache, &place);
		return advise(err, "--no-cache reads the image into memory; sbx image "
				   "gc makes room where images are kept");
	}
	request->keys[i] =
		cache_layer_key(*chain ? chain : digest, request->scope, request->arena);
	if (cache_publish_layer(&request->cache, &place, request->keys[i], bytes,
				request->arena, &request->locks[i], &request->layers[i],
				err) < 0) {
		cache_drop_place(&request->cache, &place);
		return -1;
	}
	request->taken++;
	if (!request->digest)
		request->digest = digest;
	return 0;
}

static int extract_layers(struct request *request, struct error *err)
{
	const struct image_config *config = &request->config;

	make_room(request, config->layer_count);
	for (size_t i = 0; i < config->layer_count; i++) {
		const char *chain = config->chains[i];
		int found = 0;

		if (*chain)
			found = take_layer(
				request,
				cache_layer_key(chain, request->scope, request->arena),
				err);
		if (found == 0)
			found = extract_layer(request, (int)i, chain, err);
		if (found < 0)
			return -1;
	}
	return 0;
}

/* Under all ids of the caller: what is to go was perhaps written under another map. */
static void remove_trash(struct request *request)
{
	struct ids_spec ids;
	struct error ignored;
	bool single;

	if (cache_has_trash(&request->cache) &&
	    images_default_ids(request->arena, &ids, &single, &ignored) == 0)
		(void)images_sweep(&request->cache, &ids, request->arena, &ignored);
}

static void remember(struct request *request)
{
	const int64_t now = (int64_t)time(NULL);
	const uint64_t most =
		request->image->cache_size ? request->image->cache_size : CACHE_SIZE;
	const struct cache_record record = {
		.id = request->digest,
		.source = request->image->operand,
		.signer = request->verified.signer,
		.map = request->map,
		.config = request->config,
		.keys = request->keys,
		.key_count = request->taken,
		.bytes = request->bytes,
		.entries = request->entries,
		.made = now,
		.used = now,
	};
	struct error ignored;

	/* What is in the cache under no name cannot be found there. */
	for (size_t i = 0; i < request->taken; i++)
		if (!request->keys[i])
			return;
	/* Without a record the next run does the work again, no more. */
	if (cache_publish_image(&request->cache, &record,
				request->has_stat ? &request->stat : NULL, request->tag,
				&ignored) < 0)
		return;
	(void)cache_evict(&request->cache, most, 0, &ignored);
	remove_trash(request);
}

static int extract_to_cache(struct request *request, struct error *err)
{
	if (inspect(request, err) < 0 || extract_layers(request, err) < 0) {
		give_back(request);
		remove_trash(request);
		return -1;
	}
	remember(request);
	return 0;
}

static int get_cached(struct request *request, bool look_only, struct error *err)
{
	int known;

	if (cache_open(request->arena, &request->cache, err) < 0)
		return -1;
	known = take_known(request, err);
	if (known == 1 && !look_only)
		remove_trash(request);
	if (known != 0)
		return known < 0 ? -1 : 0;
	if (verify(request, err) < 0)
		return -1;
	return look_only ? inspect(request, err) : extract_to_cache(request, err);
}

/* ---- both ------------------------------------------------------------------------------ */

static void give_layers(const struct request *request, struct image_root *root)
{
	root->layers = request->layers;
	root->layer_count = request->taken;
	root->held = request->locks;
	root->held_count = request->taken;
}

/* Layers of the cache need an overlay to be written one above the other. */
static int get_otherwise(struct request *request, struct image_root *root,
			 struct error *err)
{
	if (err->id != ERROR_OVERLAY)
		return -1;
	report_notes(
		"the image is read into memory: this kernel has no overlay for users\n");
	return extract_to_memory(request, root, err);
}

static int get(struct request *request, bool look_only, struct image_root *root,
	       struct error *err)
{
	if (request->image->no_cache || !request->has_stat) {
		if (verify(request, err) < 0)
			return -1;
		return look_only ? inspect(request, err)
				 : extract_to_memory(request, root, err);
	}
	if (get_cached(request, look_only, err) < 0)
		return get_otherwise(request, root, err);
	give_layers(request, root);
	return 0;
}

static int get_and_close(struct request *request, bool look_only, struct image_root *root,
			 struct error *err)
{
	const int failed = get(request, look_only, root, err);

	cache_close(&request->cache);
	fd_close(&request->given);
	fd_close(&request->spool);
	return failed;
}

/* The signals that end us find the terminal and the cache in order: images_do() heeds them. */
static void block_ends(sigset_t *ret_mask)
{
	sigset_t ends;

	sigemptyset(&ends);
	sigaddset(&ends, SIGINT);
	sigaddset(&ends, SIGTERM);
	sigaddset(&ends, SIGHUP);
	sigaddset(&ends, SIGQUIT);
	(void)sigprocmask(SIG_BLOCK, &ends, ret_mask);
}

static int get_root(const struct image_spec *image, const struct ids_spec *ids,
		    bool look_only, struct arena *arena, struct image_root *ret_root,
		    struct error *err)
{
	struct request request = {
		.image = image,
		.ids = ids,
		.arena = arena,
		.cache = { .dir = -1 },
		.given = -1,
		.spool = -1,
	};
	struct image_root root = { .mount = -1 };
	sigset_t mask;
	int failed;

	prepare(&request);
	request.name = trust_name(image->operand, arena, err);
	if (!request.name)
		return -1;
	block_ends(&mask);
	failed = get_and_close(&request, look_only, &root, err);
	(void)sigprocmask(SIG_SETMASK, &mask, NULL);
	if (failed)
		return -1;
	root.config = request.config;
	root.digest = request.digest;
	*ret_root = root;
	return 0;
}

const struct plan_roots images_roots = { get_root, images_verify_served };
