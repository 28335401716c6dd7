/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sugar into plain entries: the defaults of design and manual are decided here and in the
 * other expand_*.c. A plan that came from --config has its defaults already; then only
 * what an option says is added.
 */
#include "base/error.h"
#include "base/fd.h"
#include "plan/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- the root ---- */

static int set_host_root(struct draft *draft, struct error *err)
{
	struct rootfs_spec *rootfs = &draft->plan.rootfs;

	if (draft->root_mode > ROOT_MODE_DEFAULT && draft->root_mode != ROOT_MODE_RO) {
		error_set(err, ERROR_USAGE,
			  "use --root-mode: the host's own root is always read-only");
		return error_hint(err, "--cow DIR or --rw DIR, for one directory of it");
	}
	if (draft->upper)
		return error_set(err, ERROR_USAGE,
				 "use --upper: the host's own root is always read-only");
	rootfs->kind = ROOT_HOST;
	rootfs->mode = ROOT_RO;
	rootfs->path = NULL;
	return 0;
}

static void apply_root_mode(struct draft *draft)
{
	struct rootfs_spec *rootfs = &draft->plan.rootfs;

	if (draft->root_mode != ROOT_MODE_DEFAULT)
		rootfs->mode = draft->root_mode == ROOT_MODE_COW  ? ROOT_COW
			       : draft->root_mode == ROOT_MODE_RO ? ROOT_RO
								  : ROOT_RW;
	if (draft->upper)
		rootfs->upper = draft->upper;
}

static int set_directory_root(struct draft *draft, struct error *err)
{
	struct rootfs_spec *rootfs = &draft->plan.rootfs;
	char real[PATH_MAX];

	if (!realpath(draft->root, real))
		return path_explain("use the root", draft->root, errno,
				    ERROR_ROOT_NOT_DIRECTORY, err);
	if (!strcmp(real, "/"))
		return set_host_root(draft, err);
	if (image_check_directory(real, err) < 0)
		return -1;
	rootfs->kind = ROOT_DIRECTORY;
	rootfs->mode = ROOT_COW;
	rootfs->path = arena_strdup(&draft->plan.arena, real);
	apply_root_mode(draft);
	return 0;
}

/* What was verified stays open, so that no other file can be taken for it. */
static int verify_served(struct draft *draft, struct error *err)
{
	struct plan *plan = &draft->plan;
	struct image_spec image = plan->image;
	const char *name = draft->root ? draft->root : plan->rootfs.path;
	int *held;
	auto_close int file =
		open(plan->rootfs.path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);

	if (!draft->roots)
		return error_set(err, ERROR_ARCHIVE_UNSUPPORTED,
				 "use %.120s as root: images cannot be used here", name);
	if (file < 0)
		return path_explain("use the root", name, errno, ERROR_SOURCE_MISSING,
				    err);
	image.operand = name;
	if (draft->roots->verify(&image, file, &plan->arena, err) < 0)
		return -1;
	held = arena_alloc(&plan->arena, sizeof(*held));
	*held = plan->rootfs.image = fd_take(&file);
	plan->image.held = held;
	plan->image.held_count = 1;
	return 0;
}

/* It is never unpacked; what is written goes to a layer above it. */
static int set_served_root(struct draft *draft, struct error *err)
{
	struct rootfs_spec *rootfs = &draft->plan.rootfs;
	char real[PATH_MAX];

	if (!realpath(draft->root, real))
		return path_explain("use the root", draft->root, errno,
				    ERROR_SOURCE_MISSING, err);
	rootfs->kind = ROOT_SERVED;
	rootfs->mode = ROOT_COW;
	rootfs->path = arena_strdup(&draft->plan.arena, real);
	apply_root_mode(draft);
	if (rootfs->mode != ROOT_RW)
		return verify_served(draft, err);
	error_set(err, ERROR_USAGE, "use --root-mode rw: %.120s is an image",
		  draft->root);
	return error_hint(err, "--upper DIR keeps what is written");
}

/*
 * A name that is not there was perhaps meant as that of an image: "alpine:3.20",
 * "docker.io/library/nginx". Names of files have a suffix, and those of images none.
 */
static bool is_image_name(const char *name)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789._-/";
	const char *last = strrchr(name, '/');
	const size_t length = strspn(name, letters);

	if (name[0] == '.' || name[0] == '/' || length == 0)
		return false;
	if (name[length] == ':')
		return name[length + 1] && !strchr(name + length, '/');
	return name[length] == '\0' && !strchr(last ? last : name, '.');
}

/* What was typed behind the current directory's name, which set_root() put before it. */
static const char *as_typed(struct draft *draft, const char *root)
{
	const char *cwd = caller_cwd(draft);

	if (!cwd || !path_is_within(root, cwd) || strlen(cwd) == 1)
		return root;
	return root[strlen(cwd)] ? root + strlen(cwd) + 1 : root;
}

static int explain_missing(struct draft *draft, const char *root, struct error *err)
{
	const char *name = as_typed(draft, root);
	struct stat status;

	(void)path_explain("use the root", root, err->errnum ? err->errnum : ENOENT,
			   ERROR_ROOT_NOT_DIRECTORY, err);
	if (lstat(root, &status) == 0 || !is_image_name(name))
		return -1;
	return error_hint(err,
			  "images are not fetched: skopeo copy docker://%.60s "
			  "oci:IMAGE:latest && sbx run -R oci:IMAGE:latest",
			  name);
}

/* Of a configuration that names no image. */
static int keep_root(struct draft *draft, struct error *err)
{
	const enum root_kind kind = draft->plan.rootfs.kind;

	if (kind == ROOT_HOST && (draft->root_mode != ROOT_MODE_DEFAULT || draft->upper))
		return set_host_root(draft, err);
	apply_root_mode(draft);
	return kind == ROOT_SERVED ? verify_served(draft, err) : 0;
}

int expand_root(struct draft *draft, struct error *err)
{
	const char *root = draft->root;
	enum image_kind kind;

	if (!root && draft->from_config && draft->plan.image.operand)
		draft->root = root = draft->plan.image.operand;
	if (!root && draft->from_config)
		return keep_root(draft, err);
	if (!root)
		return set_host_root(draft, err);
	if (image_recognize(root, &kind, err) < 0)
		return root[0] == '/' ? explain_missing(draft, root, err) : -1;
	switch (kind) {
	case IMAGE_HOST:
		return set_host_root(draft, err);
	case IMAGE_DIRECTORY:
		return set_directory_root(draft, err);
	case IMAGE_FILESYSTEM:
		return set_served_root(draft, err);
	case IMAGE_ARCHIVE:
	case IMAGE_LAYOUT:
		return expand_image(draft, err);
	case IMAGE_REGISTRY:
	case IMAGE_UNKNOWN:
		break;
	}
	return image_refuse(root, err);
}

/* ---- namespaces ---- */

static void expand_hostname(struct draft *draft)
{
	struct namespaces_spec *namespaces = &draft->plan.namespaces;
	bool own = namespaces->kinds[NS_UTS].mode == NS_PRIVATE;

	if (own && !draft->from_config && !namespaces->hostname &&
	    draft->plan.rootfs.kind != ROOT_HOST &&
	    draft->plan.rootfs.kind != ROOT_EMPTY) {
		namespaces->hostname = "sbx";
		namespaces->hostname_optional = true;
	}
	if (!own && namespaces->hostname_optional) {
		namespaces->hostname = NULL;
		namespaces->hostname_optional = false;
	}
}

static void expand_namespaces(struct draft *draft)
{
	struct namespaces_spec *namespaces = &draft->plan.namespaces;
	struct key_value *sysctls;

	expand_hostname(draft);
	if (!draft->sysctl_count)
		return;
	sysctls = arena_alloc_array(&draft->plan.arena,
				    namespaces->sysctl_count + draft->sysctl_count,
				    sizeof(*sysctls));
	if (namespaces->sysctl_count)
		memcpy(sysctls, namespaces->sysctls,
		       namespaces->sysctl_count * sizeof(*sysctls));
	memcpy(sysctls + namespaces->sysctl_count, draft->sysctls,
	       draft->sysctl_count * sizeof(*sysctls));
	namespaces->sysctls = sysctls;
	namespaces->sysctl_count += draft->sysctl_count;
}

/* ---- the process ---- */

static void expand_umask(struct draft *draft)
{
	mode_t mask;

	if (draft->from_config)
		return;
	mask = umask(0);
	umask(mask);
	draft->plan.process.umask = draft->pure ? 022 : mask | 022;
}

static bool is_terminal(void)
{
	return isatty(STDIN_FILENO) && isatty(STDOUT_FILENO) && isatty(STDERR_FILENO);
}

static bool is_root_from_stdin(const struct draft *draft)
{
	const char *operand = draft->plan.image.operand;

	return operand && !strcmp(operand, "-");
}

static void expand_terminal(struct draft *draft)
{
	struct process_spec *process = &draft->plan.process;
	bool detach = draft->plan.life.detach;

	if (draft->tty == TTY_ON || draft->tty == TTY_OFF)
		process->terminal = draft->tty == TTY_ON;
	else if (!draft->from_config || draft->tty == TTY_AUTO)
		process->terminal = !detach && is_terminal();
	process->stdin_open = detach && (draft->interactive || process->stdin_open);
	process->stdin_null = detach && !process->stdin_open;
	/* The root has come through it. */
	if (is_root_from_stdin(draft)) {
		process->stdin_null = true;
		process->terminal = draft->tty == TTY_ON;
	}
}

static bool is_listed(const int *fds, size_t count, int fd)
{
	for (size_t i = 0; i < count; i++) {
		if (fds[i] == fd)
			return true;
	}
	return false;
}

static void expand_descriptors(struct draft *draft)
{
	struct process_spec *process = &draft->plan.process;
	size_t wanted = (size_t)draft->preserve_fds + draft->keep_fd_count;
	int *fds;
	size_t count = 0;

	if (!wanted)
		return;
	fds = arena_alloc_array(&draft->plan.arena, wanted, sizeof(*fds));
	for (int i = 0; i < draft->preserve_fds; i++)
		fds[count++] = 3 + i;
	for (size_t i = 0; i < draft->keep_fd_count; i++) {
		if (draft->keep_fds[i] > 2 && !is_listed(fds, count, draft->keep_fds[i]))
			fds[count++] = draft->keep_fds[i];
	}
	process->keep_fds = fds;
	process->keep_fd_count = count;
}

static void set_argv(struct draft *draft, const char *const *argv)
{
	struct process_spec *process = &draft->plan.process;

	process->argv = argv;
	process->argc = 0;
	while (argv[process->argc])
		process->argc++;
}

/* Where no image has one, it is the first word. */
static void put_entrypoint(struct draft *draft)
{
	size_t count = 0;
	const char **argv;

	if (!*draft->entrypoint)
		return;
	while (draft->command && draft->command[count])
		count++;
	argv = arena_alloc_array(&draft->plan.arena, count + 2, sizeof(*argv));
	argv[0] = draft->entrypoint;
	if (count)
		memcpy(argv + 1, draft->command, count * sizeof(*argv));
	draft->command = argv;
}

int expand_command(struct draft *draft, struct error *err)
{
	const char *shell = getenv("SHELL");
	const char **argv;

	if (draft->entrypoint && !draft->plan.image.operand)
		put_entrypoint(draft);
	if (draft->command && draft->command[0]) {
		set_argv(draft, draft->command);
		return 0;
	}
	if (draft->plan.process.argc)
		return 0;
	/* what shells ask before they talk to a person; stdout may well be redirected */
	if (!isatty(STDIN_FILENO) || !isatty(STDERR_FILENO)) {
		error_set(err, ERROR_NO_COMMAND, "start: no command given");
		return error_hint(err, "%s", plan_usage());
	}
	if (draft->plan.rootfs.kind != ROOT_HOST || !shell || shell[0] != '/')
		shell = "/bin/sh";
	argv = arena_alloc_array(&draft->plan.arena, 2, sizeof(*argv));
	argv[0] = shell;
	set_argv(draft, argv);
	return 0;
}

static void expand_life(struct draft *draft)
{
	if (draft->log_format)
		draft->plan.life.log_format =
			draft->log_format == 2 ? LOG_JSON : LOG_TEXT;
}

int expand(struct draft *draft, struct error *err)
{
	expand_life(draft);
	if (expand_runtime(draft, err) < 0 || expand_isolation(draft, err) < 0 ||
	    expand_pure(draft, err) < 0 || expand_record(draft, err) < 0 ||
	    expand_root(draft, err) < 0 || expand_command(draft, err) < 0)
		return -1;
	expand_namespaces(draft);
	if (expand_net(draft, err) < 0)
		return -1;
	if (expand_user(draft, err) < 0 || expand_ids(draft, err) < 0 ||
	    expand_seccomp(draft, err) < 0 || expand_emulation(draft, err) < 0 ||
	    expand_mounts(draft, err) < 0 || expand_env(draft, err) < 0)
		return -1;
	expand_caps(draft);
	expand_limits(draft);
	expand_umask(draft);
	expand_terminal(draft);
	expand_descriptors(draft);
	if (expand_filter(draft, err) < 0 || expand_machine(draft, err) < 0 ||
	    expand_open_paths(draft, err) < 0)
		return -1;
	return expand_differences(draft, err);
}

int expand_on_top(struct draft *draft, struct error *err)
{
	bool changes_env =
		draft->env.count || draft->keep_env.count || draft->env_files.count;

	if ((changes_env && expand_env(draft, err) < 0) || expand_seccomp(draft, err) < 0)
		return -1;
	expand_caps(draft);
	expand_limits(draft);
	return expand_filter(draft, err);
}
