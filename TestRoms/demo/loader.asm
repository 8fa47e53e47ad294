; The loader: finds the kernel on the FAT volume, asks the BIOS what only the BIOS knows (memory, display modes), opens the A20 gate, and enters
; protected mode.
;
; Everything here runs in real mode: addresses are segment * 16 + offset, one mebibyte is all there is, and the BIOS is at hand. As soon as the kernel
; runs, that is over; so this is the place to ask.

%include "layout.inc"
%include "disk.inc"

    cpu 386
    bits 16
    org LOADER_ADDRESS

    jmp start

bpb_reserved equ BOOT_ADDRESS + 14      ; the fields of the boot sector, which is still in memory
bpb_fats equ BOOT_ADDRESS + 16
bpb_root_entries equ BOOT_ADDRESS + 17
bpb_fat_sectors equ BOOT_ADDRESS + 22
bpb_hidden equ BOOT_ADDRESS + 28
bpb_cluster_sectors equ BOOT_ADDRESS + 13

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
    mov si, text_start
    call print

    mov di, BOOT_INFO
    xor eax, eax
    mov cx, BootInfo_size / 4
    rep stosd
    mov dword [BOOT_INFO + BootInfo.signature], 'DEMO'
    mov al, [drive]
    mov [BOOT_INFO + BootInfo.drive], al
    mov eax, [bpb_hidden]
    mov [BOOT_INFO + BootInfo.partition], eax

    call load_kernel
    call memory_map
    call display_modes
    call open_a20
    jmp enter_protected_mode

fail:                                   ; SI = why
    call print
    mov si, text_key
    call print
    xor ah, ah
    int 0x16
    int 0x19                            ; boot again

; ---- The kernel ------------------------------------------------------------------------------------------------------------------------------------
; A FAT16 volume: reserved sectors, the FATs, the root directory, the clusters. Cluster 2 is the first.

load_kernel:
    mov eax, [bpb_hidden]
    movzx ecx, word [bpb_reserved]
    add eax, ecx
    mov [fat_start], eax
    movzx ecx, byte [bpb_fats]
    movzx edx, word [bpb_fat_sectors]
    imul ecx, edx
    add eax, ecx
    mov [root_start], eax
    movzx ecx, word [bpb_root_entries]
    shr ecx, 4                          ; 16 entries a sector
    mov [root_left], cx
    add eax, ecx
    mov [data_start], eax

    mov eax, [fat_start]                ; the whole FAT: at most 128 KiB by its nature, 8.5 KiB here
    mov cx, [bpb_fat_sectors]
    push es
    push FAT_SEGMENT
    pop es
    xor bx, bx
    call read_sectors
    pop es
    jc .unreadable

.sector:                                ; look for the name in the root directory
    mov eax, [root_start]
    mov cx, 1
    mov bx, SCRATCH
    call read_sectors
    jc .unreadable
    mov dx, 16
.entry:
    mov si, kernel_name
    mov di, bx
    mov cx, 11
    repe cmpsb
    je .found
    add bx, 32
    dec dx
    jnz .entry
    inc dword [root_start]
    dec word [root_left]
    jnz .sector
    mov si, text_no_kernel
    jmp fail

.found:
    mov eax, [bx + 28]
    mov [BOOT_INFO + BootInfo.kernel_size], eax
    mov si, [bx + 26]                   ; its first cluster
    push STAGING >> 4
    pop es
.cluster:                               ; es:0 = where the next cluster goes
    movzx eax, si
    sub eax, 2
    movzx ecx, byte [bpb_cluster_sectors]
    imul eax, ecx
    add eax, [data_start]
    xor bx, bx
    call read_sectors
    jc .unreadable
    mov ax, es                          ; a sector is 32 paragraphs
    shl cx, 5
    add ax, cx
    mov es, ax
    cmp ax, 0x9000                      ; the kernel must end below the BIOS's extended data area
    jae .too_large
    push FAT_SEGMENT
    pop fs
    movzx esi, si
    mov si, [fs:esi * 2]                ; the file's next cluster
    cmp si, 0xFFF8
    jb .cluster
    xor ax, ax
    mov es, ax
    ret
.unreadable:
    mov si, text_unreadable
    jmp fail
.too_large:
    mov si, text_too_large
    jmp fail

; ---- Memory ----------------------------------------------------------------------------------------------------------------------------------------
; INT 15h AX=E820h gives one range a call, until EBX comes back as 0 (ACPI 6.5, section 15.1). BIOSes before 1996 know AX=E801h (KiB up to 16 MiB, and
; 64 KiB blocks above) or just AH=88h (KiB from 1 MiB, up to 64 MiB).

memory_map:
    mov edi, BOOT_INFO + BootInfo.map
    xor ebx, ebx
.next:
    mov eax, 0xE820
    mov edx, 'PAMS'                     ; "SMAP", the other way round, as a number is stored
    mov ecx, 20
    int 0x15
    jc .ended
    cmp eax, 'PAMS'
    jne .ended
    mov word [BOOT_INFO + BootInfo.map_source], 0xE820
    inc word [BOOT_INFO + BootInfo.map_count]
    add di, 24
    test ebx, ebx
    jz .done
    cmp word [BOOT_INFO + BootInfo.map_count], MAP_ENTRIES
    jb .next
.done:
    ret
.ended:                                 ; some BIOSes say "no more" by the carry flag
    cmp word [BOOT_INFO + BootInfo.map_count], 0
    jne .done

    mov word [BOOT_INFO + BootInfo.map_source], 0xE801
    int 0x12                            ; AX = KiB from 0, usually 640 without what the BIOS keeps
    movzx eax, ax
    shl eax, 10
    xor edx, edx
    call .add
    mov ax, 0xE801
    xor cx, cx
    xor dx, dx
    int 0x15
    jc .oldest
    test cx, cx                         ; "configured" memory; some BIOSes answer in AX and BX only
    jz .have
    mov ax, cx
    mov bx, dx
.have:
    movzx eax, ax
    shl eax, 10
    mov edx, 0x100000
    call .add
    movzx eax, bx
    shl eax, 16
    mov edx, 0x1000000
    jmp .add
.oldest:
    mov word [BOOT_INFO + BootInfo.map_source], 0x88
    mov ah, 0x88
    int 0x15
    movzx eax, ax
    shl eax, 10
    mov edx, 0x100000
.add:                                   ; EDX = base, EAX = length of a range of memory
    test eax, eax
    jz .done
    mov [di], edx
    mov [di + 8], eax
    mov dword [di + 16], 1
    inc word [BOOT_INFO + BootInfo.map_count]
    add di, 24
    ret

; ---- Display modes ---------------------------------------------------------------------------------------------------------------------------------
; VBE ("VESA BIOS Extension" 3.0): INT 10h AX=4F00h describes the adapter and lists its modes, AX=4F01h describes one mode. We choose 640 by 480 with
; direct colours and a linear frame buffer: 32 bits when there are, else 24 or 16. The kernel sets it when it is wanted (AX=4F02h).

vbe_info equ SCRATCH
mode_info equ SCRATCH + 512

display_modes:
    mov di, vbe_info
    mov dword [di], 'VBE2'              ; asks for the form of version 2
    mov ax, 0x4F00
    int 0x10
    cmp ax, 0x004F                      ; AL = 4Fh: there is such a function; AH = 0: it worked
    jne .done
    cmp dword [vbe_info], 'VESA'
    jne .done
    cmp word [vbe_info + 4], 0x0200     ; linear frame buffers came with 2.0
    jb .done
    movzx eax, word [vbe_info + 4]
    mov [BOOT_INFO + BootInfo.vbe_version], eax
    movzx eax, word [vbe_info + 18]     ; in blocks of 64 KiB
    shl eax, 6
    mov [BOOT_INFO + BootInfo.vbe_memory], eax
    lfs si, [vbe_info + 14]             ; the list of modes, which ends with FFFFh
.next:
    mov cx, [fs:si]
    add si, 2
    cmp cx, 0xFFFF
    je .done
    push cx
    mov di, mode_info
    mov ax, 0x4F01
    push si
    push fs
    int 0x10
    pop fs
    pop si
    pop cx
    cmp ax, 0x004F
    jne .next
    mov ax, [mode_info]
    and al, 0x99
    cmp al, 0x99                        ; supported, colour, graphics, linear frame buffer
    jne .next
    cmp word [mode_info + 18], 640
    jne .next
    cmp word [mode_info + 20], 480
    jne .next
    cmp byte [mode_info + 27], 6        ; memory model: direct colour
    jne .next
    movzx eax, byte [mode_info + 25]    ; bits a pixel
    cmp eax, [BOOT_INFO + BootInfo.vbe_bits]
    jbe .next                           ; no better than what we have
    cmp al, 15
    je .next
    mov [BOOT_INFO + BootInfo.vbe_bits], eax
    mov [BOOT_INFO + BootInfo.vbe_mode], cx
    mov dword [BOOT_INFO + BootInfo.vbe_width], 640
    mov dword [BOOT_INFO + BootInfo.vbe_height], 480
    movzx eax, word [mode_info + 16]
    cmp word [vbe_info + 4], 0x0300     ; version 3 has a field for the pitch of the linear frame buffer
    jb .pitch
    movzx ebx, word [mode_info + 50]
    test ebx, ebx
    jz .pitch
    mov eax, ebx
.pitch:
    mov [BOOT_INFO + BootInfo.vbe_pitch], eax
    mov eax, [mode_info + 40]
    mov [BOOT_INFO + BootInfo.vbe_address], eax
    jmp .next
.done:
    ret

; ---- The A20 gate ----------------------------------------------------------------------------------------------------------------------------------
; On an 8086, FFFF:0010 was address 0 again, and programs relied on it. So the AT got a gate that holds address line 20 low, and every odd mebibyte
; shows the even one below it. It was put on a spare pin of the keyboard controller. Most firmware opens it; we look, and try three ways.

open_a20:
    call a20_is_open
    jne .opened
    mov byte [BOOT_INFO + BootInfo.a20_way], 1
    mov ax, 0x2401                      ; the BIOS call of the PS/2
    int 0x15
    call a20_is_open
    jne .opened
    mov byte [BOOT_INFO + BootInfo.a20_way], 2
    in al, 0x92                         ; system control port A: bit 1 is the gate, bit 0 would reset the machine
    or al, 2
    and al, 0xFE
    out 0x92, al
    call a20_is_open
    jne .opened
    mov byte [BOOT_INFO + BootInfo.a20_way], 3
    cli
    call .ready
    mov al, 0xD1                        ; 8042: write the output port
    out 0x64, al
    call .ready
    mov al, 0xDF                        ; A20 open, no reset
    out 0x60, al
    call .ready
    sti
    call a20_is_open
    jne .opened
    mov si, text_a20
    jmp fail
.opened:
    ret
.ready:                                 ; until the controller has taken the last byte
    in al, 0x64
    test al, 2
    jnz .ready
    ret

; Compares 0000:0500 with FFFF:0510, one mebibyte higher, then changes one and compares again. ZF set: the gate is closed.
a20_is_open:
    push es
    mov ax, 0xFFFF
    mov es, ax
    mov ax, [es:0x510]
    cmp ax, [0x500]
    jne .done
    not word [0x500]
    mov ax, [es:0x510]
    cmp ax, [0x500]
    pushf
    not word [0x500]
    popf
.done:
    pop es
    ret

; ---- Protected mode --------------------------------------------------------------------------------------------------------------------------------
; SDM volume 3, section 11.9.1: interrupts off, load GDTR, set CR0.PE, and a far jump at once, which loads CS from the new table. The segments here
; start at 0 and have 4 GiB: from now on an address is just a number.

enter_protected_mode:
    cli
    lgdt [gdt_register]
    mov eax, cr0
    or al, 1
    mov cr0, eax
    jmp 0x08:protected

    bits 32
protected:
    mov ax, 0x10
    mov ds, ax
    mov es, ax
    mov ss, ax
    mov esp, REAL_STACK
    xor eax, eax                        ; FS and GS hold real-mode segments, which would be selectors of nothing
    mov fs, ax
    mov gs, ax
    mov esi, STAGING
    mov edi, KERNEL_ADDRESS
    mov ecx, [BOOT_INFO + BootInfo.kernel_size]
    add ecx, 3
    shr ecx, 2
    rep movsd
    mov eax, KERNEL_ADDRESS
    jmp eax

align 8
gdt:
    dq 0
    dq 0x00CF9A000000FFFF               ; 08: code, base 0, limit FFFFF pages, ring 0
    dq 0x00CF92000000FFFF               ; 10: data
gdt_register:
    dw $ - gdt - 1
    dd gdt

    bits 16
%include "disk16.inc"

fat_start: dd 0
root_start: dd 0
data_start: dd 0
root_left: dw 0
kernel_name: db "KERNEL  BIN"
text_start: db "Demo disk: loading ...", 13, 10, 0
text_unreadable: db "The disk cannot be read", 0
text_no_kernel: db "There is no KERNEL.BIN", 0
text_too_large: db "KERNEL.BIN is too large", 0
text_a20: db "The A20 gate does not open", 0
text_key: db "; press a key to start again", 13, 10, 0

%if $ - $$ > LOADER_SECTORS * 512
    %error the loader does not fit into the reserved sectors
%endif
