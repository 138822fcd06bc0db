// work exercises Rust's library: files, threads, sockets, a child, a panic.
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::sync::{mpsc, Arc, Condvar, Mutex};
use std::{env, fs, panic, process, thread, time};

trait Operation {
    fn run(&self) -> u32;
}
struct Pid;
impl Operation for Pid {
    fn run(&self) -> u32 {
        process::id() + std::os::unix::process::parent_id()
    }
}

fn main() {
    let dir = env::temp_dir().join(format!("work-rs-{}", process::id()));
    fs::create_dir_all(&dir).unwrap();
    let file = dir.join("f");
    fs::write(&file, "text").unwrap();
    fs::set_permissions(&file, fs::metadata(&file).unwrap().permissions()).unwrap();
    fs::copy(&file, dir.join("g")).unwrap();
    fs::rename(dir.join("g"), dir.join("h")).unwrap();
    for e in fs::read_dir(&dir).unwrap() {
        e.unwrap().metadata().unwrap();
    }
    fs::remove_dir_all(&dir).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = listener.local_addr().unwrap();
    let server = thread::spawn(move || {
        let (mut s, _) = listener.accept().unwrap();
        s.set_nodelay(true).unwrap();
        s.write_all(b"hello").unwrap();
    });
    let mut text = String::new();
    TcpStream::connect(addr).unwrap().read_to_string(&mut text).unwrap();
    server.join().unwrap();
    UdpSocket::bind("127.0.0.1:0").unwrap().set_broadcast(true).unwrap();
    let pair = Arc::new((Mutex::new(false), Condvar::new()));
    let theirs = pair.clone();
    let (tx, rx) = mpsc::channel();
    let t = thread::spawn(move || {
        thread::sleep(time::Duration::from_millis(2));
        *theirs.0.lock().unwrap() = true;
        theirs.1.notify_all();
        tx.send(1).unwrap();
    });
    let mut ready = pair.0.lock().unwrap();
    while !*ready {
        ready = pair.1.wait(ready).unwrap();
    }
    drop(ready);
    t.join().unwrap();
    let caught = panic::catch_unwind(|| panic!("caught"));
    let operations: Vec<Box<dyn Operation>> = vec![Box::new(Pid)];
    let out = process::Command::new("/bin/echo").arg("child").output().unwrap();
    let _ = (operations[0].run(), time::SystemTime::now(), caught.is_err(), env::current_dir(), out);
    println!("done {}", rx.recv().unwrap());
}
