/*
 * log: lines for a person, on standard error or in the system's log.
 *
 * Only the supervisor, the worker's frame around the engine, and the commands
 * log; modules return errors.  Under systemd each line carries its level as
 * "<N>" (sd-daemon(3)); else it begins with "ttt: ".
 */
#ifndef TTT_BASE_LOG_H
#define TTT_BASE_LOG_H

enum log_level { LOG_LEVEL_ERROR = 3, LOG_LEVEL_WARNING = 4, LOG_LEVEL_INFO = 6, LOG_LEVEL_DEBUG = 7 };

/* Lines above `level` are dropped; LOG_LEVEL_INFO at start. */
void log_set_level(enum log_level level);

/* From now on to syslog(3), for a process without a terminal; its socket stays open. */
void log_to_syslog(void);
/*
 * To standard error, each line with its level as under systemd: for a child that shuts
 * itself in, whose parent has the other end, and reads the level with log_level_of.
 */
void log_to_parent(void);
/* The level of such a line; *line goes on behind it.  A line without one is an error. */
enum log_level log_level_of(const char **line);

void log_at(enum log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));
void log_error(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_warning(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_info(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_debug(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
