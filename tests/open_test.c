/* open: real devices and sockets, in a network namespace of the test's own. */
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "io/open.h"
#include "tap.h"

static void a_tun_device_lives_as_long_as_its_descriptor(void **state)
{
	int fd = open_tun("tt-a");

	(void)state;
	assert_true(fd >= 0);
	assert_true(if_nametoindex("tt-a") > 0);
	assert_true(fcntl(fd, F_GETFL) & O_NONBLOCK);
	assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	close(fd);
	assert_int_equal(if_nametoindex("tt-a"), 0);
}

/* Every kernel that the tests run on has TSO. */
static void a_device_takes_large_packets(void **state)
{
	int plain = open_tun("tt-c"), large = open_tun_virtio("tt-d");

	(void)state;
	assert_true(plain >= 0 && large >= 0);
	assert_true(open_tun_offload(large).tso);
	assert_int_equal(open_tun_virtio("tt-c"), -EBUSY);
	assert_int_equal(open_tun_virtio("a/b"), -EINVAL);
	close(plain);
	close(large);
}

static void each_reason_why_there_is_no_tun_has_its_errno(void **state)
{
	int fd = open_tun("tt-b");

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(open_tun("tt-b"), -EBUSY);
	assert_int_equal(open_tun("lo"), -EBUSY);
	assert_int_equal(open_tun(""), -EINVAL);
	assert_int_equal(open_tun("sixteen-chars-xx"), -EINVAL);
	assert_int_equal(open_tun("a/b"), -EINVAL);
	assert_int_equal(open_tun("tun%d"), -EINVAL);
	close(fd);
}

static struct addr at(const char *text)
{
	struct addr a;

	assert_true(addr_parse_port(text, 0, &a));
	return a;
}

static int option(int fd, int name)
{
	int value = 0;
	socklen_t len = sizeof(value);

	assert_int_equal(getsockopt(fd, SOL_SOCKET, name, &value, &len), 0);
	return value;
}

static void a_socket_is_bound_to_address_device_and_mark(void **state)
{
	const struct open_udp_options o = { .local = at("127.0.0.1:7001"), .device = "lo", .mark = 0x7474 };
	char device[IFNAMSIZ] = "";
	socklen_t len = sizeof(device);
	int fd = open_udp(&o);

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(option(fd, SO_MARK), 0x7474);
	assert_true(option(fd, SO_RCVBUF) >= 4 * 1024 * 1024);
	assert_int_equal(getsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, device, &len), 0);
	assert_string_equal(device, "lo");
	assert_int_equal(open_udp(&o), -EADDRINUSE);
	close(fd);
}

static void both_families_listen_on_one_port(void **state)
{
	const struct open_udp_options v4 = { .local = at("0.0.0.0:7002"), .listener = true };
	const struct open_udp_options v6 = { .local = at("[::]:7002"), .listener = true };
	int a = open_udp(&v4), b = open_udp(&v6);

	(void)state;
	assert_true(a >= 0);
	assert_true(b >= 0);
	close(a);
	close(b);
}

static void each_reason_why_there_is_no_socket_has_its_errno(void **state)
{
	struct open_udp_options o = { .local = at("192.0.2.77:7003") };

	(void)state;
	assert_int_equal(open_udp(&o), -EADDRNOTAVAIL);
	o.local = at("127.0.0.1:7003");
	o.device = "nothere";
	assert_int_equal(open_udp(&o), -ENODEV);
	o.local = (struct addr){ 0 };
	assert_int_equal(open_udp(&o), -EAFNOSUPPORT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST("a TUN device lives as long as its descriptor",
		     a_tun_device_lives_as_long_as_its_descriptor),
		TEST("a device takes large packets", a_device_takes_large_packets),
		TEST("each reason why there is no TUN has its errno",
		     each_reason_why_there_is_no_tun_has_its_errno),
		TEST("a socket is bound to address, device and mark",
		     a_socket_is_bound_to_address_device_and_mark),
		TEST("both families listen on one port", both_families_listen_on_one_port),
		TEST("each reason why there is no socket has its errno",
		     each_reason_why_there_is_no_socket_has_its_errno),
	};

	if (unshare(CLONE_NEWNET) != 0) {
		printf("1..0 # SKIP needs root for a network namespace\n");
		return geteuid() == 0;
	}
	if (system("ip link set dev lo up") != 0)
		return 1;
	return RUN_TESTS(tests);
}
