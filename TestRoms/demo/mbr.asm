; The master boot record: sector 0 of the disk.
;
; The BIOS reads this sector to 0000:7C00 and jumps there in real mode, with the number of the drive in DL: that is all it knows about operating
; systems. 446 bytes are ours; behind them lie four entries of the partition table and the signature 55 AA, without which the BIOS would not start us.
;
; What an MBR does: it moves out of the way, looks for the partition that is marked active, reads that one's first sector to the very same 7C00, and
; jumps. The boot sector therefore cannot tell whether an MBR or the BIOS itself started it.

%include "layout.inc"

    cpu 386
    bits 16
    org MBR_ADDRESS

start:
    cli                                 ; no interrupt may come between the two halves of SS:SP on an 8086; it costs nothing
    xor ax, ax
    mov ss, ax
    mov sp, REAL_STACK
    mov ds, ax
    mov es, ax
    sti
    cld
    mov si, BOOT_ADDRESS
    mov di, MBR_ADDRESS
    mov cx, 256
    rep movsw
    jmp 0:moved                         ; some BIOSes start us at 07C0:0000; from here on CS is 0

moved:
    mov [drive], dl
    mov si, partitions
.look:
    test byte [si], 0x80
    jnz .found
    add si, 16
    cmp si, partitions + 64
    jb .look
    mov si, no_partition
    jmp fail

.found:
    mov eax, [si + 8]                   ; first sector of the partition
    mov cx, 1
    mov bx, BOOT_ADDRESS
    call read_sectors
    jc .unreadable
    cmp word [BOOT_ADDRESS + 510], 0xAA55
    jne .unreadable
    mov dl, [drive]
    jmp 0:BOOT_ADDRESS                  ; DL = drive, DS:SI = entry of the partition: what every boot sector may expect
.unreadable:
    mov si, no_boot_sector
fail:
    call print
    int 0x18                            ; tells the BIOS to try the next device
    hlt

%include "disk16.inc"

no_partition: db "MBR: no active partition", 13, 10, 0
no_boot_sector: db "MBR: the partition's boot sector cannot be read", 13, 10, 0

    times 440 - ($ - $$) db 0
    db "DEMO", 0, 0                     ; an identification of the disk, by which Windows tells disks apart

; The table. Cylinder, head and sector are kept beside the LBA for the oldest programs; FE FF FF says "beyond what these can express" and is
; allowed where LBA is meant (type 0Eh: FAT16, addressed by LBA).
partitions:
    db 0x80, 1, 1, 0                    ; active; starts at cylinder 0, head 1, sector 1
    db 0x0E, HEADS - 1, SECTORS | ((CYLINDERS - 1) >> 2 & 0xC0), (CYLINDERS - 1) & 0xFF
    dd PARTITION_START, PARTITION_SECTORS
    times 48 db 0
    dw 0xAA55
