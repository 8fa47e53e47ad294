; The tests of what holds data: hard disk, files, CD, floppy disk.

; The same sectors by DMA and by PIO.
test_ide:
    cmp dword [disk], 0
    je test_absent
    mov ebx, [disk_dma_reads]
    mov eax, 63
    mov ecx, 100
    call disk_read
    EXPECT nc
    call .sum
    mov edx, eax
    mov byte [disk_pio], 1
    mov edi, DISK_BUFFER
    mov ecx, 100 * 512 / 4
    xor eax, eax
    rep stosd
    mov eax, 63
    mov ecx, 100
    call disk_read
    EXPECT nc
    mov byte [disk_pio], 0
    call .sum
    cmp eax, edx
    EXPECT e
    mov esi, [disk]                     ; and it was DMA, where there is some
    cmp dword [bus_master], 0
    je .done
    cmp dword [esi + Ide.has_dma], 0
    je .done
    inc ebx
    cmp [disk_dma_reads], ebx
    EXPECT e
.done:
    mov eax, [esi + Ide.sectors]        ; behind the end there is nothing
    mov ecx, 1
    call disk_read
    EXPECT c
    ret
.sum:
    push ecx
    push esi
    mov esi, DISK_BUFFER
    mov ecx, 100 * 512 / 4
    xor eax, eax
.word:
    rol eax, 1
    xor eax, [esi]
    add esi, 4
    loop .word
    pop esi
    pop ecx
    ret

; The kernel's own file against what runs: its first page is code, which nothing has changed.
test_files:
    cmp byte [fat_is_mounted], 0
    je test_absent
    mov esi, .kernel
    call fat_find
    EXPECT nc
    cmp ecx, [boot_info + BootInfo.kernel_size]
    EXPECT e
    mov ebx, ecx
    mov ebp, eax
    call fat_read_cluster
    EXPECT nc
    mov esi, DISK_BUFFER
    mov edi, KERNEL_ADDRESS
    shr ecx, 2
    repe cmpsd
    EXPECT e
    mov eax, ebp                        ; the chain has as many clusters as the size tells
    xor edx, edx
.cluster:
    inc edx
    call fat_next
    jnc .cluster
    mov ecx, [fat_cluster_sectors]
    shl ecx, 9
    imul edx, ecx
    cmp edx, ebx
    EXPECT ae
    sub edx, ecx
    cmp edx, ebx
    EXPECT b
    mov esi, .nothing
    call fat_find
    EXPECT c
    ret
.kernel: db "kernel.bin", 0
.nothing: db "nothing.txt", 0

test_cd:
    call cd_open
    jnc .open
    cmp eax, 2
    jbe test_absent
    mov eax, 0                          ; a disc without a volume: whatever it is, its sectors can be read
    call cd_read
    EXPECT nc
    ret
.open:
    mov eax, [DISK_BUFFER + CD_SECTORS] ; the last sector can be read, the one after a good deal more cannot
    dec eax
    call cd_read
    EXPECT nc
    mov eax, 0x7FFFFFFF
    call cd_read
    EXPECT c
    mov eax, CD_DESCRIPTOR
    call cd_read
    EXPECT nc
    cmp byte [DISK_BUFFER], 1
    EXPECT e
    ret

test_floppy:
    call floppy_open
    jc test_absent
    xor eax, eax
    call floppy_read
    EXPECT nc
    mov eax, [FLOPPY_BUFFER]
    mov ebx, [FLOPPY_BUFFER + 508]
    mov eax, 2 * 18 + 1                 ; another track, and back
    call floppy_read
    EXPECT nc
    xor eax, eax
    call floppy_read
    EXPECT nc
    cmp [FLOPPY_BUFFER + 508], ebx
    EXPECT e
    jmp floppy_close
