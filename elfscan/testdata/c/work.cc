// work exercises the C++ library: streams, threads, exceptions, a file system.
#include <chrono>
#include <condition_variable>
#include <filesystem>
#include <fstream>
#include <future>
#include <iostream>
#include <mutex>
#include <random>
#include <stdexcept>
#include <string>
#include <thread>
#include <unistd.h>
#include <vector>

struct Operation {
	virtual ~Operation() = default;
	virtual long run() = 0;
};
struct Pgid : Operation {
	long run() override { return getpgid(0); }
};
struct Failing : Operation {
	~Failing() override { sync(); }
	long run() override { throw std::runtime_error("fails"); }
};

int main(int argc, char **argv)
{
	namespace fs = std::filesystem;
	fs::path dir = fs::temp_directory_path() / ("work-cc-" + std::to_string(std::random_device{}()));
	fs::create_directories(dir / "a");
	std::ofstream(dir / "a" / "f") << "text\n";
	std::string line;
	std::getline(std::ifstream(dir / "a" / "f") >> std::ws, line);
	for (auto &e : fs::recursive_directory_iterator(dir))
		line += std::to_string(e.is_regular_file());
	fs::rename(dir / "a" / "f", dir / "g");
	fs::resize_file(dir / "g", 3);
	fs::remove_all(dir);
	std::mutex m;
	std::condition_variable cv;
	bool ready = false;
	std::thread t([&] {
		std::this_thread::sleep_for(std::chrono::milliseconds(2));
		std::lock_guard<std::mutex> l(m);
		ready = true;
		cv.notify_all();
	});
	{
		std::unique_lock<std::mutex> l(m);
		cv.wait(l, [&] { return ready; });
	}
	t.join();
	auto f = std::async(std::launch::async, [] { return 42; });
	std::vector<std::unique_ptr<Operation>> ops;
	ops.push_back(std::make_unique<Pgid>());
	ops.push_back(std::make_unique<Failing>());
	for (auto &o : ops)
		try {
			o->run();
		} catch (const std::exception &) {
			getsid(0);
		}
	std::cout << "done " << f.get() - 41 << std::endl;
}
