; The boot sector of the partition, and behind it the loader (loader.asm).
;
; A FAT volume begins with a jump over its BIOS parameter block (BPB): the numbers from which everybody, the kernel's fat.asm among them, computes
; where the tables, the root directory and the files are. Microsoft's "FAT: General Overview of On-Disk Format" describes the fields.
;
; In 512 bytes one can hardly follow a file's clusters, so the loader lies where FAT leaves room for such things: in the reserved sectors between
; the boot sector and the first file allocation table.

%include "layout.inc"
%include "disk.inc"

    cpu 386
    bits 16
    org BOOT_ADDRESS

    jmp short start
    nop
    db "DEMO    "                       ; who formatted the volume
bytes_per_sector: dw 512
sectors_per_cluster: db SECTORS_PER_CLUSTER
reserved_sectors: dw RESERVED_SECTORS
fats: db 2                              ; the second one is a copy
root_entries: dw ROOT_ENTRIES
    dw PARTITION_SECTORS                ; 0 when more than 65,535, which then stand below
    db 0xF8                             ; a hard disk
sectors_per_fat: dw SECTORS_PER_FAT
    dw SECTORS, HEADS
hidden_sectors: dd PARTITION_START      ; sectors before this partition
    dd 0
    db 0x80, 0, 0x29                    ; drive, unused, "the next three fields are there"
    dd 0x2026_0101                      ; serial number
    db "DEMO DISK  "
    db "FAT16   "

start:
    cli
    xor ax, ax
    mov ss, ax
    mov sp, REAL_STACK
    mov ds, ax
    mov es, ax
    sti
    cld
    mov [drive], dl
    mov eax, [hidden_sectors]
    inc eax
    mov cx, LOADER_SECTORS
    mov bx, LOADER_ADDRESS
    call read_sectors
    jc .failed
    mov dl, [drive]
    jmp 0:LOADER_ADDRESS
.failed:
    mov si, unreadable
    call print
    int 0x18
    hlt

%include "disk16.inc"

unreadable: db "The loader cannot be read", 13, 10, 0

    times 510 - ($ - $$) db 0
    dw 0xAA55
