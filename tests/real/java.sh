#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Java compiles and runs with threads, a server, a process and mapped files below the default
# policy, as an ordinary user without any capability.
# shellcheck disable=SC2016 # the scripts in quotes are for the shells inside
# shellcheck source=tests/real/lib.sh
. "$(dirname "$0")/lib.sh"

[ -n "${SBX_TEST_FULL-}" ] || skip_all "130 MB: only in the full run"
unpack openjdk-17-jdk-headless

cat >"$root/Work.java" <<'EOT'
import com.sun.net.httpserver.HttpServer;
import java.net.*;
import java.net.http.*;
import java.nio.channels.FileChannel;
import java.nio.file.*;
import java.util.concurrent.*;
import java.util.stream.*;

public class Work {
	public static void main(String[] arguments) throws Exception {
		ExecutorService pool = Executors.newFixedThreadPool(8);
		long total = 0;
		for (Future<Long> part : pool.invokeAll(IntStream.range(0, 64)
				.mapToObj(n -> (Callable<Long>) () -> LongStream.range(0, 100000).sum())
				.collect(Collectors.toList())))
			total += part.get();
		pool.shutdown();
		long same = LongStream.range(0, 64).parallel().map(n -> LongStream.range(0, 100000).sum()).sum();
		if (total != same)
			throw new Exception("threads");

		HttpServer server = HttpServer.create(new InetSocketAddress("127.0.0.1", 0), 0);
		server.createContext("/", exchange -> {
			exchange.sendResponseHeaders(200, 4);
			exchange.getResponseBody().write("page".getBytes());
			exchange.close();
		});
		server.start();
		URI place = URI.create("http://127.0.0.1:" + server.getAddress().getPort() + "/");
		String page = HttpClient.newHttpClient().send(HttpRequest.newBuilder(place).build(),
				HttpResponse.BodyHandlers.ofString()).body();
		server.stop(0);
		if (!page.equals("page"))
			throw new Exception(page);

		Process process = new ProcessBuilder("sh", "-c", "echo child; exit 3").start();
		String line = new String(process.getInputStream().readAllBytes()).trim();
		if (process.waitFor() != 3 || !line.equals("child"))
			throw new Exception(line);

		Path file = Path.of("/tmp/mapped");
		try (FileChannel channel = FileChannel.open(file, StandardOpenOption.CREATE,
				StandardOpenOption.READ, StandardOpenOption.WRITE)) {
			channel.map(FileChannel.MapMode.READ_WRITE, 0, 1 << 20).put(5, (byte) 7);
		}
		if (Files.readAllBytes(file)[5] != 7)
			throw new Exception("mapped");
		System.gc();
		System.out.println("worked");
	}
}
EOT

plan 2

is "java compiles and runs with threads" "$(job 'set -- /usr/lib/jvm/*/bin && PATH=$PATH:$1 &&
	javac -d . /Work.java && java -Xmx256m Work')" worked
is "and with each of its collectors" "$(job 'set -- /usr/lib/jvm/*/bin && PATH=$PATH:$1 &&
	javac -d . /Work.java && for name in Serial Parallel Z; do
		java -Xmx256m -XX:+Use${name}GC Work; done')" "worked
worked
worked"
