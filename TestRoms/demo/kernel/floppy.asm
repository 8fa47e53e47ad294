; "floppy": the first diskette drive. Intel, 82077AA and 8237A data sheets.
;
; The floppy disk controller takes a command of one to nine bytes, byte by byte, works, interrupts (number 6), and gives up to seven bytes of result. The
; data in between goes through channel 2 of the DMA controller, an 8237 that IBM put beside the 8088: it can count to 64 KiB, addresses 16 bits, and needs
; a page register for the rest, so a buffer must lie within 64 KiB and in the first 16 MiB.

FDC_OUTPUT      equ 0x3F2               ; drive (bits 0-1), not reset (2), DMA and interrupts (3), motors (4-7)
FDC_STATUS      equ 0x3F4               ; bit 7: a byte may pass; bit 6: from the controller
FDC_DATA        equ 0x3F5
FDC_RATE        equ 0x3F7               ; 0: 500 kbit/s

FDC_SPECIFY     equ 0x03
FDC_RECALIBRATE equ 0x07
FDC_SENSE       equ 0x08
FDC_SEEK        equ 0x0F
FDC_READ        equ 0xE6                ; both sides, MFM, skip deleted data

FLOPPY_BUFFER   equ 0x30000
FLOPPY_IRQ      equ 6

; floppy_open: looks whether CMOS knows a drive A, starts it, and reads the boot sector to FLOPPY_BUFFER. Carry set: EAX = 1 no drive, 2 no readable disk.
floppy_open:
    mov al, 0x10                        ; CMOS byte 10h: types of the drives, A in bits 7-4
    call rtc_read
    shr al, 4
    mov eax, 1
    jz .absent
    pushad
    mov eax, FLOPPY_IRQ
    mov edx, floppy_interrupt
    call irq_install
    mov dword [floppy_sectors], 18
    mov byte [floppy_came], 0
    OUTB FDC_OUTPUT, 0x00               ; reset
    OUTB FDC_OUTPUT, 0x1C               ; and on: motor A, DMA
    call floppy_await
    jc .failed
    mov ecx, 4                          ; a reset reports a change for each of four drives
.sense:
    call floppy_sense
    loop .sense
    OUTB FDC_RATE, 0
    mov esi, .specify
    mov ecx, 3
    call floppy_command
    jc .failed
    mov byte [floppy_came], 0
    mov esi, .recalibrate
    mov ecx, 2
    call floppy_command
    jc .failed
    call floppy_await
    jc .failed
    call floppy_sense
    xor eax, eax
    call floppy_read
    jc .failed
    movzx eax, word [FLOPPY_BUFFER + 24] ; sectors a track, if this is a FAT volume
    lea ecx, [eax - 8]
    cmp ecx, 28
    ja .done
    mov [floppy_sectors], eax
.done:
    popad
    clc
    ret
.failed:
    popad
    mov eax, 2
.absent:
    stc
    ret
    section .data
floppy_open.specify: db FDC_SPECIFY, 0xDF, 0x02 ; step rate 3 ms, head times 240 and 2 ms, with DMA
floppy_open.recalibrate: db FDC_RECALIBRATE, 0
    section .text

floppy_interrupt:
    mov byte [floppy_came], 1
    ret

; floppy_await: until the controller interrupts. Carry set: not within two seconds.
floppy_await:
    push eax
    mov eax, [ticks]
    add eax, 2 * TICKS_PER_SECOND
.wait:
    cli
    cmp byte [floppy_came], 0
    jne .came
    cmp eax, [ticks]
    je .late
    sti
    hlt
    jmp .wait
.came:
    mov byte [floppy_came], 0
    sti
    pop eax
    clc
    ret
.late:
    sti
    pop eax
    stc
    ret

; floppy_command: ESI, ECX bytes. Carry set: the controller does not take them.
floppy_command:
    pushad
.byte:
    call .ready
    jc .end
    test al, 0x40
    stc
    jnz .end                            ; it wants to say something instead
    lodsb
    OUTB FDC_DATA, al
    loop .byte
    clc
.end:
    popad
    ret
.ready:
    push ecx
    mov ecx, 1000000
    mov edx, FDC_STATUS
.wait:
    in al, dx
    test al, 0x80
    jnz .now
    loop .wait
    pop ecx
    stc
    ret
.now:
    pop ecx
    clc
    ret

; floppy_result: reads what the controller has to say into floppy_answer. Returns ECX = bytes.
floppy_result:
    push eax
    push edx
    xor ecx, ecx
.byte:
    call floppy_command.ready
    jc .end
    test al, 0x40
    jz .end
    INB FDC_DATA
    cmp ecx, 8
    jae .end
    mov [floppy_answer + ecx], al
    inc ecx
    jmp .byte
.end:
    pop edx
    pop eax
    ret

floppy_sense:
    pushad
    mov esi, .command
    mov ecx, 1
    call floppy_command
    call floppy_result
    popad
    ret
    section .data
floppy_sense.command: db FDC_SENSE
    section .text

; floppy_read: EAX = sector of the disk, which goes to FLOPPY_BUFFER. Carry set: it failed.
floppy_read:
    pushad
    xor edx, edx
    div dword [floppy_sectors]
    inc edx
    mov [.command_sector], dl
    mov dl, al
    and dl, 1
    mov [.command_head], dl
    shl dl, 2
    mov [.command_drive], dl
    mov [.seek_drive], dl
    shr eax, 1
    mov [.command_cylinder], al
    mov [.seek_cylinder], al
    mov al, [floppy_sectors]
    mov [.command_last], al

    mov byte [floppy_came], 0
    mov esi, .seek
    mov ecx, 3
    call floppy_command
    jc .failed
    call floppy_await
    jc .failed
    call floppy_sense

    mov al, 0x06                        ; the DMA controller: channel 2 masked while it is set up
    out 0x0A, al
    out 0x0C, al                        ; the next byte is a low one
    mov al, 0x46                        ; single transfers, to memory
    out 0x0B, al
    mov al, FLOPPY_BUFFER & 0xFF
    out 0x04, al
    mov al, FLOPPY_BUFFER >> 8 & 0xFF
    out 0x04, al
    mov al, FLOPPY_BUFFER >> 16
    out 0x81, al
    mov al, (512 - 1) & 0xFF            ; bytes, less one
    out 0x05, al
    mov al, (512 - 1) >> 8
    out 0x05, al
    mov al, 0x02
    out 0x0A, al

    mov esi, .command
    mov ecx, 9
    call floppy_command
    jc .failed
    call floppy_await
    jc .failed
    call floppy_result
    cmp ecx, 7
    jne .failed
    test byte [floppy_answer], 0xC0     ; ST0 bits 7-6: how it ended
    jnz .failed
    popad
    clc
    ret
.failed:
    popad
    stc
    ret
    section .data
floppy_read.seek: db FDC_SEEK
floppy_read.seek_drive: db 0
floppy_read.seek_cylinder: db 0
floppy_read.command: db FDC_READ
floppy_read.command_drive: db 0
floppy_read.command_cylinder: db 0
floppy_read.command_head: db 0
floppy_read.command_sector: db 0
    db 2                                ; 512 bytes
floppy_read.command_last: db 18
    db 0x1B, 0xFF                       ; gap, and nothing
    section .text

floppy_close:
    OUTB FDC_OUTPUT, 0x0C               ; motor off
    ret

; floppy_command_line: what "floppy" shows: the files of a FAT12 volume.
floppy_command_line:
    pushad
    call floppy_open
    jnc .open
    mov esi, [floppy_troubles + eax * 4]
    call print
    jmp .end
.open:
    PRINT "Sectors "
    movzx eax, word [FLOPPY_BUFFER + 19]
    call print_decimal
    PRINT ", "
    mov eax, [floppy_sectors]
    call print_decimal
    PRINT " a track", 10
    cmp word [FLOPPY_BUFFER + 11], 512
    jne .no_volume
    cmp byte [FLOPPY_BUFFER + 16], 2
    ja .no_volume
    movzx ebx, word [FLOPPY_BUFFER + 22]
    movzx eax, byte [FLOPPY_BUFFER + 16]
    imul ebx, eax
    movzx eax, word [FLOPPY_BUFFER + 14]
    add ebx, eax                        ; the root directory
    movzx ecx, word [FLOPPY_BUFFER + 17]
.sector:
    jecxz .end
    mov eax, ebx
    call floppy_read
    jc .failed
    mov esi, FLOPPY_BUFFER
.entry:
    cmp byte [esi], 0
    je .end
    cmp byte [esi], 0xE5
    je .next
    test byte [esi + 11], 0x08
    jnz .next
    call dir_line
.next:
    add esi, 32
    dec ecx
    jz .end
    cmp esi, FLOPPY_BUFFER + 512
    jb .entry
    inc ebx
    jmp .sector
.no_volume:
    PRINT "It has no FAT volume", 10
    jmp .end
.failed:
    PRINT 4, "It cannot be read", 1, 10
.end:
    call floppy_close
    popad
    ret

    section .data
    align 4, db 0
floppy_troubles: dd 0, .drive, .disk
.drive: db "There is no floppy drive", 10, 0
.disk: db "There is no disk in the drive, or it cannot be read", 10, 0
    section .bss
    alignb 4
floppy_sectors: resd 1                  ; a track
floppy_answer: resb 8
floppy_came: resb 1
    alignb 4
    section .text
