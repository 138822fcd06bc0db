package main

import "os"

func refresh(data string) error {
	k, err := readKernel("/tmp/archwork/src/linux-source-7.3", "/tmp/archwork/x/old/usr/include/s390x-linux-gnu/asm/unistd_32.h", "7.3")
	if err != nil {
		return err
	}
	return os.WriteFile(data+"/kernel.txt", k.encode(), 0o644)
}
