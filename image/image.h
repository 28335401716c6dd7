/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SBX_IMAGE_IMAGE_H
#define SBX_IMAGE_IMAGE_H

/*
 * The door of the image wing: what the operand of --root is, what an image says of itself,
 * and the program that reads foreign bytes for us (sbx-image, libexec). Two more doors are
 * image/cache.h (what is kept) and image/trust.h (whose signatures count).
 *
 * Nobody but sbx-image parses an archive or a manifest. The front ends hand it the work as a
 * struct image_job and get turns back over a socket (struct image_turn): what an image says
 * of itself comes as a document of our own, which image_config_read() reads.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct arena;
struct error;
struct json_value;

/* ---- the operand --------------------------------------------------------------------- */

enum image_kind {
	IMAGE_HOST,      /* "host" or "/" */
	IMAGE_DIRECTORY, /* a directory, links followed */
	IMAGE_ARCHIVE,   /* a file with the marks of tar or a compressor, a pipe, "-" */
	IMAGE_LAYOUT,    /* oci:DIR[:TAG] */
	IMAGE_REGISTRY,  /* docker://, https:// and others: it would have to be fetched */
	IMAGE_FILESYSTEM, /* a squashfs or erofs image */
	IMAGE_UNKNOWN,    /* a file of another kind */
};

/*
 * Looks at the operand and, for a file, at its first bytes. oci-archive:FILE[:TAG] and
 * docker-archive:FILE[:TAG] are IMAGE_ARCHIVE. -1: it is not there.
 */
int image_recognize(const char *operand, enum image_kind *ret_kind, struct error *err);

/*
 * Why the operand is no root, where image_recognize() says IMAGE_REGISTRY or IMAGE_UNKNOWN,
 * and the words that would make one of it. Returns -1.
 */
int image_refuse(const char *operand, struct error *err);

/* -1: the directory is no root, but has an image or a root in it, and which operand that is. */
int image_check_directory(const char *path, struct error *err);

/* "a tar archive", "a gzip file" … for messages. */
const char *image_describe(const char *operand);

/*
 * The path in an operand and the image that is meant in it: "oci:DIR:TAG" is DIR and TAG,
 * "oci-archive:FILE" FILE and NULL, "x.tar" itself. The text behind a colon is a tag where
 * the path before it exists and nothing longer does: a tag may have colons of its own.
 * Result and tag live as long as the operand and the arena.
 */
const char *image_operand_path(const char *operand, struct arena *arena,
			       const char **ret_tag);

/* ---- architectures ------------------------------------------------------------------- */

/*
 * One table: the names of the kernel (uname -m), of OCI (GOARCH) and of ACI. Each takes any
 * of them. NULL: unknown.
 */
const char *image_arch_of_machine(const char *machine);    /* "x86_64": "amd64" */
const char *image_variant_of_machine(const char *machine); /* "armv7l": "v7"; or NULL */
const char *image_machine_of_arch(const char *arch); /* "amd64" or "x86_64": "x86_64" */

/* ---- what an image says of itself ---------------------------------------------------- */

struct image_port {
	uint16_t port;
	bool udp;
};

/* Lists end with NULL, and are never NULL. Texts are NULL where nothing was said. */
struct image_config {
	const char *kind;      /* "tar", "oci", "docker", "aci" */
	const char *reference; /* its name or tag, for people */
	const char
		*digest; /* "sha256:…" of what names all else in it; of a tar unknown */
	const char *os, *architecture, *variant; /* OCI's words */
	const char *const *entrypoint, *const *command, *const *env;
	const char *user; /* "UID[:GID]" or "NAME[:GROUP]" */
	const char *workdir;
	const char *stop_signal;
	const struct image_port *ports;
	size_t port_count;
	const char *const *volumes; /* mount points */
	const char *const *labels;  /* "K=V" */
	/*
	 * The layers, lowest first: what each is called where layers are kept. chain: digest of
	 * the layer and all below it ("sha256:HEX", the ChainID of the OCI image specification);
	 * a tar, and an ACI, is one layer without a digest until it was read whole ("").
	 */
	const char *const *chains;
	size_t layer_count;
};

/* As a document, and back (as json_read() gave it, unrestored). config.c */
struct json_value *image_config_write(const struct image_config *config,
				      struct arena *arena);
int image_config_read(const struct json_value *document, struct arena *arena,
		      struct image_config *ret_config, struct error *err);

/* ---- the work ------------------------------------------------------------------------ */

enum image_task {
	IMAGE_TASK_INSPECT, /* tell the config; nothing is written */
	IMAGE_TASK_EXTRACT, /* layers into a directory or into memory */
	IMAGE_TASK_VERIFY,  /* the input's signature, or its sha512 */
	IMAGE_TASK_DIGEST,  /* of a tree: canonical, with a list of what is in it */
	IMAGE_TASK_REMOVE,  /* a tree of mapped ids */
};

/* Which limits are held, against archives that lie. 0: the default of extract.h. */
struct image_limits {
	uint64_t entries, bytes, ratio;
};

/*
 * One piece of work for sbx-image, which runs in a user namespace that has the sandbox's ids,
 * and in a mount, pid, network, IPC and UTS namespace of its own. Paths are the caller's,
 * absolute. Descriptors are inherited; -1: there is none.
 */
struct image_job {
	enum image_task task;
	int socket;       /* SOCK_SEQPACKET: turns to the front end */
	const char *path; /* input: a file or a layout's directory; NULL: input_fd */
	int input_fd;     /* a stream, or with a path what it led to */
	const char *kind; /* "oci", "oci-archive", "docker-archive"; NULL: look */
	const char *tag;  /* which image of several; NULL: the only one, or the last */
	/* OCI's word, with "/VARIANT" or without: what an index is searched for; NULL: any. An
	 * image that is the only one is taken, and its config tells what it is for. */
	const char *arch;
	/* EXTRACT: layers first to last, counted from 0, both included; -1: all of them. */
	int first, last;
	const char *into; /* an empty directory; NULL: memory */
	const char *const
		*lowers; /* layers below it, lowest first: overlaid while written */
	size_t lower_count;
	uint64_t memory; /* bytes at most; 0: half of what the machine has */
	int mounts;      /* IMAGE_TURN_MOUNT so often */
	bool squash;     /* every id is 0 */
	bool undigested; /* nobody asks what the digest of a tar is */
	struct image_limits limits;
	/* "blake2b:HEX" of the whole input, of a verified file; of a layout: of its index.json */
	const char *expected;
	/* VERIFY */
	const char *signature;   /* path; with sha512 a file of sums */
	const char *const *keys; /* paths of public keys */
	size_t key_count;
	/*
	 * Instead of a signature: 128 hex digits; "": one of those in the file `signature`, or
	 * where that is NULL nothing is compared.
	 */
	const char *sha512;
	int tee; /* what was hashed, and no other byte, is written here too; 0: nowhere */
		 /* DIGEST, REMOVE: the tree is `into`, or the directory input_fd */
};

/* The words of sbx-image's command line for a job, NULL-ended, and back. words.c */
const char *const *image_job_words(const struct image_job *job, struct arena *arena);
int image_job_read(const char *const *words, struct arena *arena,
		   struct image_job *ret_job, struct error *err);

enum image_turn_kind {
	IMAGE_TURN_PROGRESS, /* done and total bytes of the input (total 0: unknown) */
	IMAGE_TURN_NOTE,     /* text: something the user may want to know */
	IMAGE_TURN_DOCUMENT, /* a memfd (fd) with a document of JSON, sealed */
	IMAGE_TURN_MOUNT,    /* the extracted tree as a detached mount (fd) */
	IMAGE_TURN_DONE,
	IMAGE_TURN_FAILED, /* err */
};

/*
 * The documents. INSPECT and EXTRACT: image_config_write(). Then INSPECT: { "digest":
 * "sha256:…" as below, "" where it is not known yet, "layers": [ { "digest", "bytes" } … ] as
 * they lie in the image }. EXTRACT at the end: { "digest": "sha256:…" of the whole input (of a
 * layout: of its manifest), "entries", "bytes", "skipped_devices" }. VERIFY: { "key": path of
 * the key that signed, "id": its id as people know it, "comment": …, "blake2b": "blake2b:HEX"
 * of the whole input, of a layout of its index.json }; with sha512 "sha512": HEX and "blake2b"
 * alone. DIGEST: see digest.h.
 */
struct image_turn {
	enum image_turn_kind kind;
	uint64_t done, total;
	char text[512]; /* printable */
};

/* messages.c. As launcher/sync.h; err goes with IMAGE_TURN_FAILED alone. */
int image_turn_send(int socket, const struct image_turn *turn, const struct error *err,
		    int fd);

/* 1: there is one; 0: the other side is gone; -1: errno, EPROTO for what is no turn. */
int image_turn_receive(int socket, struct image_turn *ret_turn, struct error *ret_err,
		       int *ret_fd);

/*
 * A document as a turn, and back: text in sealed memory. What is no such thing is refused,
 * so that reading it never waits. read: as json_read() gives it, NULL and err; fd stays the
 * caller's.
 */
int image_document_send(int socket, const struct json_value *document,
			struct arena *arena, struct error *err);
struct json_value *image_document_read(int fd, struct arena *arena, struct error *err);

/* Whether there is a sbx-image at all; the error says how to get it. */
int image_program_check(struct error *err);

/*
 * In a child that has its namespaces and ids: becomes sbx-image. Returns only on failure,
 * when all descriptors but the streams and those of the job may be closed.
 */
int image_job_exec(const struct image_job *job, struct arena *arena, struct error *err);

/* ---- sbx-image itself ------------------------------------------------------------------ */

/*
 * The whole life of sbx-image; words as image_job_words() makes them. Returns the exit
 * status. In the library `unpacked`, as the next.
 */
int image_serve(const char *const *words);

/*
 * What this build can read, as lines on standard output: "version V", "archives …" and
 * "signatures …" with the libraries' versions. Returns the exit status.
 */
int image_probe(void);

#endif
