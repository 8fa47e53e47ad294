; "cd": CDs in an ATAPI drive. ATA/ATAPI-5 chapter 9.20 (PACKET), MMC-2 (the commands), ECMA-119 (ISO 9660, what lies on the disc).
;
; A CD drive sits on an ATA channel and speaks SCSI: the ATA command PACKET asks for twelve more bytes, the real command. The drive then announces each
; piece of data: DRQ with the number of bytes in the registers that held the address.

SCSI_TEST_READY equ 0x00
SCSI_READ       equ 0x28                ; READ(10)

CD_SECTOR       equ 2048
CD_DESCRIPTOR   equ 16                  ; the sector of the primary volume descriptor
CD_LABEL        equ 40                  ; in the descriptor: 32 characters
CD_SECTORS      equ 80
CD_ROOT         equ 156                 ; the record of the root directory
RECORD_EXTENT   equ 2                   ; in a directory record: first sector
RECORD_SIZE     equ 10
RECORD_FLAGS    equ 25                  ; bit 1: a directory
RECORD_NAME     equ 32                  ; its length, then the name

; cd_open: finds a drive with a disc and reads the volume descriptor. Returns EBX = the drive. Carry set: EAX = 1 no drive, 2 no disc, 3 no ISO 9660.
cd_open:
    mov ebx, drives
.drive:
    cmp dword [ebx + Ide.kind], IDE_CD
    je .found
    add ebx, Ide_size
    cmp ebx, drives + 4 * Ide_size
    jb .drive
    mov eax, 1
    stc
    ret
.found:
    push ecx
    mov ecx, 5                          ; the first commands after a reset or a change of discs only report that
.ready:
    call cd_clear
    mov byte [cd_packet], SCSI_TEST_READY
    call cd_command
    jnc .has_disc
    loop .ready
    pop ecx
    mov eax, 2
    stc
    ret
.has_disc:
    pop ecx
    mov eax, CD_DESCRIPTOR
    call cd_read
    mov eax, 2
    jc .end
    mov eax, 3
    cmp dword [DISK_BUFFER], 1 | 'CD0' << 8 ; type 1, "CD001"
    jne .other
    cmp word [DISK_BUFFER + 4], '01'
    je .end                             ; carry is clear
.other:
    stc
.end:
    ret

; cd_read: EBX = drive, EAX = sector, which goes to DISK_BUFFER. Carry set: it failed.
cd_read:
    call cd_clear
    mov byte [cd_packet], SCSI_READ
    bswap eax                           ; SCSI writes numbers with the high byte first
    mov [cd_packet + 2], eax
    bswap eax
    mov byte [cd_packet + 8], 1         ; one sector
    jmp cd_command

cd_clear:
    push ecx
    push edi
    push eax
    mov edi, cd_packet
    mov ecx, 3
    xor eax, eax
    rep stosd
    pop eax
    pop edi
    pop ecx
    ret

; cd_command: EBX = drive; sends cd_packet and receives what comes into DISK_BUFFER, CD_SECTOR bytes at most. Carry set: it failed.
cd_command:
    pushad
    call ide_select
    jc .failed
    mov edx, [ebx + Ide.base]
    add edx, ATA_ERROR                  ; features: no DMA
    xor al, al
    out dx, al
    add edx, ATA_LBA_MIDDLE - ATA_ERROR
    mov al, CD_SECTOR & 0xFF            ; no more than this in one piece
    out dx, al
    inc edx
    mov al, CD_SECTOR >> 8
    out dx, al
    add edx, ATA_STATUS - ATA_LBA_HIGH
    mov al, PACKET
    out dx, al
    call ide_pause
    call ide_wait
    jc .failed
    test al, ATA_DRQ
    jz .failed
    mov esi, cd_packet
    mov ecx, 6
    mov edx, [ebx + Ide.base]
    rep outsw
    mov edi, DISK_BUFFER
.piece:
    call ide_pause
    call ide_wait
    jc .failed
    test al, ATA_ERR
    jnz .failed
    test al, ATA_DRQ
    jz .complete
    mov edx, [ebx + Ide.base]
    add edx, ATA_LBA_HIGH
    in al, dx
    mov ah, al
    dec edx
    in al, dx
    movzx ecx, ax
    lea eax, [edi + ecx]
    cmp eax, DISK_BUFFER + CD_SECTOR
    ja .failed
    inc ecx
    shr ecx, 1
    mov edx, [ebx + Ide.base]
    rep insw
    jmp .piece
.complete:
    popad
    clc
    ret
.failed:
    popad
    stc
    ret

; cd_command_line: what "cd" shows: the label and the root directory; with a name, that file.
cd_command_line:
    pushad
    mov ebp, esi
    call cd_open
    jnc .open
    mov esi, [cd_troubles + eax * 4]
    call print
    jmp .end
.open:
    mov eax, [DISK_BUFFER + CD_ROOT + RECORD_EXTENT]
    mov [cd_sector], eax
    mov eax, [DISK_BUFFER + CD_ROOT + RECORD_SIZE]
    mov [cd_left], eax
    cmp byte [ebp], 0
    jne .sector
    PRINT "Volume "
    mov esi, DISK_BUFFER + CD_LABEL
    mov ecx, 32
.label:                                 ; padded with blanks
    cmp byte [esi + ecx - 1], ' '
    ja .labelled
    loop .label
.labelled:
    call print_text
    PRINT ", "
    mov eax, [DISK_BUFFER + CD_SECTORS]
    shr eax, 9
    call print_decimal
    PRINT " MiB", 10
.sector:
    mov eax, [cd_sector]
    call cd_read
    jc .failed
    mov esi, DISK_BUFFER
.record:
    movzx ecx, byte [esi]
    cmp ecx, 34
    jb .next                            ; no record crosses the end of a sector
    cmp byte [esi + RECORD_NAME + 1], 1
    jbe .skip                           ; 0 is the directory itself, 1 the one above
    cmp byte [ebp], 0
    jne .compare
    call .print_record
.skip:
    add esi, ecx
    cmp esi, DISK_BUFFER + CD_SECTOR - 34
    jb .record
.next:
    inc dword [cd_sector]
    sub dword [cd_left], CD_SECTOR
    ja .sector
    cmp byte [ebp], 0
    je .end
    PRINT "There is no such file on the disc", 10
.end:
    popad
    ret
.failed:
    PRINT 4, "The disc cannot be read", 1, 10
    jmp .end

.compare:                               ; EBP = name as typed, against NAME.EXT;1
    push esi
    push ecx
    movzx ecx, byte [esi + RECORD_NAME]
    add esi, RECORD_NAME + 1
    mov edi, ebp
.character:
    jecxz .ends
    lodsb
    dec ecx
    cmp al, ';'
    je .ends
    mov ah, [edi]
    inc edi
    cmp ah, 'a'
    jb .upper
    cmp ah, 'z'
    ja .upper
    and ah, 0xDF
.upper:
    cmp al, 'a'
    jb .same
    cmp al, 'z'
    ja .same
    and al, 0xDF
.same:
    cmp al, ah
    je .character
    pop ecx
    pop esi
    jmp .skip
.ends:
    cmp byte [edi], ' '
    pop ecx
    pop esi
    ja .skip
    mov eax, [esi + RECORD_EXTENT]
    mov [cd_sector], eax
    mov eax, [esi + RECORD_SIZE]
    mov [cd_left], eax
.file:
    mov ecx, [cd_left]
    jecxz .end
    mov eax, [cd_sector]
    call cd_read
    jc .failed
    cmp ecx, CD_SECTOR
    jbe .part
    mov ecx, CD_SECTOR
.part:
    sub [cd_left], ecx
    inc dword [cd_sector]
    mov esi, DISK_BUFFER
.text:
    lodsb
    cmp al, 10
    je .put
    cmp al, ' '
    jb .no_text
.put:
    call console_put
.no_text:
    loop .text
    jmp .file

.print_record:                          ; ESI = record
    pushad
    PRINT "  "
    test byte [esi + RECORD_FLAGS], 2
    jz .size
    PRINT "         -"
    jmp .name
.size:
    mov eax, [esi + RECORD_SIZE]
    mov ecx, 10
    call print_decimal_in
.name:
    PRINT "  "
    movzx ecx, byte [esi + RECORD_NAME]
    add esi, RECORD_NAME + 1
    call print_text
    call new_line
    popad
    ret

    section .data
    align 4, db 0
cd_troubles: dd 0, .drive, .disc, .format
.drive: db "There is no CD drive", 10, 0
.disc: db "There is no disc in the drive", 10, 0
.format: db "The disc has no ISO 9660 volume", 10, 0
    section .bss
    alignb 4
cd_packet: resb 12
cd_sector: resd 1
cd_left: resd 1
    section .text
