/* See confine.h: which files the recorder may open from now on, and where it may make, rename and remove some. landlock(7), Linux 5.13.
 *
 * What was opened before stays open: outputs, the journal, the terminal. */
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <linux/landlock.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "src/base/mem.h"
#include "src/confine_internal.h"

#define READ (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR)
#define FINISH                                                                                                         \
	(LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_MAKE_REG |                  \
	 LANDLOCK_ACCESS_FS_REMOVE_FILE)
#define ALL ((LANDLOCK_ACCESS_FS_MAKE_SYM << 1) - 1) /* of its first version */

/* What libpcap, the C library and the report read. To add one: with the reason.
 * /sys, /proc: interfaces and namespaces; the rest: name look-ups of --filter, time zones, shared objects that are loaded late. */
static const char *const readable[] = {
	"/proc",
	"/sys",
	"/usr",
	"/lib",
	"/lib64",
	"/etc/hosts",
	"/etc/nsswitch.conf",
	"/etc/resolv.conf",
	"/etc/host.conf",
	"/etc/gai.conf",
	"/etc/protocols",
	"/etc/services",
	"/etc/networks",
	"/etc/ethers",
	"/etc/localtime",
	"/etc/ld.so.cache",
	"/dev/null",
	"/dev/urandom",
	"/run/systemd/container",
	"/run/.containerenv",
};

static int allow(int rules, const char *path, uint64_t access, struct sw_err *err)
{
	sw_auto_close int fd = open(path, O_PATH | O_CLOEXEC);
	if (fd < 0)
		return 0; /* what is not there need not be read */
	struct landlock_path_beneath_attr rule = {.allowed_access = access, .parent_fd = fd};
	if (syscall(SYS_landlock_add_rule, rules, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) == 0)
		return 0;
	/* a file takes no rights of folders */
	rule.allowed_access = access & (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE);
	if (syscall(SYS_landlock_add_rule, rules, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) == 0)
		return 0;
	return sw_err_set(err, -errno, "landlock refuses a rule for %s: %s", path, strerror(errno));
}

static int allow_all(int rules, const struct sw_options *options, const struct sw_outputs *outputs, struct sw_err *err)
{
	int code = 0;
	for (size_t i = 0; i < SW_COUNT(readable) && code == 0; i++)
		code = allow(rules, readable[i], READ, err);
	for (size_t i = 0; i < outputs->count && code == 0; i++) {
		bool standard = strcmp(outputs->files[i].output->path, "-") == 0;
		sw_auto_free char *path = sw_strdup(standard ? "/tmp/journal" : outputs->files[i].output->path);
		/* an incident on standard output has its journal in /tmp */
		code = allow(rules, dirname(path), FINISH, err);
		struct stat there;
		const char *name = outputs->files[i].output->path;
		if (code == 0 && !standard && stat(name, &there) == 0 && S_ISFIFO(there.st_mode))
			code = allow(rules, name, LANDLOCK_ACCESS_FS_WRITE_FILE, err);
	}
	if (code == 0 && options->each_failure)
		code = allow(rules, options->each_failure, FINISH, err);
	return code;
}

int sw_confine_folders(const struct sw_options *options, const struct sw_outputs *outputs, struct sw_err *err)
{
	const struct landlock_ruleset_attr handled = {.handled_access_fs = ALL};
	sw_auto_close int rules = (int)syscall(SYS_landlock_create_ruleset, &handled, sizeof handled, 0);
	if (rules < 0)
		return 0; /* an older kernel, or switched off */
	int code = allow_all(rules, options, outputs, err);
	if (code < 0)
		return code;
	if (syscall(SYS_landlock_restrict_self, rules, 0) < 0)
		return sw_err_set(err, -errno, "landlock could not be put in force: %s", strerror(errno));
	return 0;
}
