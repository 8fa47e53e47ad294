using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Emulator.Core.Decoding;
using Emulator.Core.Memory;

namespace Emulator.Core.Cpu;

/// <summary>
/// The whole architectural state of one CPU, in native memory, addressed by pointer from every engine. General registers come first so
/// that a decoded operand can hold a register's byte offset (see <see cref="RegisterOffset"/>) in one byte.
/// </summary>
[StructLayout(LayoutKind.Sequential)]
public unsafe struct CpuState
{
    /// <summary>Byte offset of <see cref="Zero"/>: the "register" of an absent base or index.</summary>
    public const byte ZeroOffset = 128;

    /// <summary>Sixteen general registers: RAX RCX RDX RBX RSP RBP RSI RDI R8–R15; a 32-bit guest uses the low halves of the first eight.</summary>
    public fixed ulong Gpr[16];

    /// <summary>Always zero.</summary>
    public ulong Zero;

    /// <summary>Instructions that may still retire before the run loop must look at events; blocks subtract their length on entry.</summary>
    public long Budget;

    /// <summary>Retired-instruction count at which <see cref="Budget"/> is zero.</summary>
    public long Deadline;

    /// <summary>Instructions of the current block, from the executing one on, that were subtracted from the budget but have not retired;
    /// non-zero only within a device access or a time-stamp read.</summary>
    public long InFlight;

    /// <summary>TLB of the current privilege view; <see cref="TlbEntry.Count"/> records.</summary>
    public TlbEntry* Tlb;

    /// <summary>Instruction TLB of the current privilege view; <see cref="Memory.InstructionTlb.Count"/> records.</summary>
    public ulong* InstructionTlb;

    /// <summary>Lazy flags: low half zero = ZF, bit 63 = SF, parity of (byte 0 xor byte 4) = PF. See <see cref="LazyFlags"/>.</summary>
    public long FlagResult;

    /// <summary>Lazy flags: bit 31 = CF, bits 31 xor 30 = OF, bit 3 = AF. See <see cref="LazyFlags"/>.</summary>
    public uint FlagCarries;

    /// <summary>
    /// How translated code left the status flags: 0 as <see cref="FlagResult"/> and <see cref="FlagCarries"/>, else a number of the
    /// translator's with <see cref="DeferredResult"/> and <see cref="DeferredOperand"/>, from which <see cref="Decoding.Translator.FinishFlags"/> makes
    /// them. Zero except in translated code and from region to region.
    /// </summary>
    public int DeferredFlags;

    /// <summary>Result of the operation that <see cref="DeferredFlags"/> tells of.</summary>
    public uint DeferredResult;

    /// <summary>An operand of the operation that <see cref="DeferredFlags"/> tells of.</summary>
    public uint DeferredOperand;

    /// <summary>EFLAGS without CF, PF, AF, ZF, SF and OF, which are lazy; bit 1 is set.</summary>
    public uint EflagsRest;

    /// <summary>
    /// Why a translated region left its next instruction to the interpreter: 0 for anything, else an access at <see cref="MissLinear"/> that
    /// the TLB did not hold: 1 + <see cref="AccessKind"/>. Zero between instructions.
    /// </summary>
    public int MissKind;

    /// <summary>Linear address of the access that <see cref="MissKind"/> tells of.</summary>
    public uint MissLinear;

    /// <summary>EIP of the first instruction of the block that executes.</summary>
    public uint BlockEip;

    /// <summary>EIP between instructions: the next instruction; at a fault: the faulting one.</summary>
    public uint Eip;

    /// <summary>Reasons to leave the fast path between two instructions; <see cref="PendingWork"/> bits.</summary>
    public PendingWork Pending;

    /// <summary>Mode bits that decoded code depends on; <see cref="Decoding.ModeKey"/>.</summary>
    public uint ModeKey;

    /// <summary>Current privilege level, 0 to 3.</summary>
    public byte Cpl;

    /// <summary>Non-zero in shutdown state (after a triple fault) until reset.</summary>
    public byte IsShutdown;

    /// <summary>Non-zero while halted by HLT.</summary>
    public byte IsHalted;

    /// <summary>Non-zero while NMIs are blocked (from NMI delivery to IRET).</summary>
    public byte NmiBlocked;

    /// <summary>Level of the maskable interrupt request (INTR) pin.</summary>
    public byte IntrLine;

    /// <summary>Non-zero when an NMI edge is latched.</summary>
    public byte NmiLatched;

    /// <summary>Debug events (DR6 bits) collected while an instruction executes, delivered as a trap behind it.</summary>
    public uint DebugHits;

    /// <summary>Records of the decoded-block cache by linear address, <see cref="JumpCacheEntry.Count"/> of them.</summary>
    public JumpCacheEntry* JumpCache;

    /// <summary>Changes when a translation is dropped or code changes.</summary>
    public ulong CodeGeneration;

    /// <summary>For each physical page, which of its 64 pieces of 64 bytes may hold decoded code.</summary>
    public ulong* CodePieces;

    /// <summary>How many more regions may go on in another one before they return to the run loop: bounds the host's stack where that is a call.</summary>
    public int TransfersLeft;

    /// <summary>The block that executes.</summary>
    public Block* CurrentBlock;

    /// <summary>ES CS SS DS FS GS, LDTR, TR; indexes in <see cref="SegmentIndex"/>.</summary>
    public SegmentFile Segments;

    /// <summary>Linear base of the global descriptor table.</summary>
    public uint GdtBase;

    /// <summary>Linear base of the interrupt descriptor table.</summary>
    public uint IdtBase;

    /// <summary>Limit (bytes - 1) of the global descriptor table.</summary>
    public ushort GdtLimit;

    /// <summary>Limit (bytes - 1) of the interrupt descriptor table.</summary>
    public ushort IdtLimit;

    /// <summary>CR0.</summary>
    public uint Cr0;

    /// <summary>CR2: linear address of the last page fault.</summary>
    public uint Cr2;

    /// <summary>CR3.</summary>
    public uint Cr3;

    /// <summary>CR4.</summary>
    public uint Cr4;

    /// <summary>EFER; only NXE is used by a 32-bit CPU.</summary>
    public ulong Efer;

    /// <summary>DR0–DR3, (4 and 5 unused), DR6, DR7.</summary>
    public fixed uint Dr[8];

    /// <summary>The four PAE page-directory pointers, loaded by MOV CR3 and friends.</summary>
    public fixed ulong Pdpte[4];

    /// <summary>Pending fault: vector of the exception that a status of <see cref="ExecStatus.Fault"/> announces.</summary>
    public byte FaultVector;

    /// <summary>Pending fault: whether <see cref="FaultError"/> is pushed.</summary>
    public byte FaultHasError;

    /// <summary>Pending fault: error code.</summary>
    public uint FaultError;

    /// <summary>Linear address of the pending read-modify-write whose value stands in <see cref="Scratch"/>.</summary>
    public uint RmwLinear;

    /// <summary>x87 control word.</summary>
    public ushort Fcw;

    /// <summary>x87 status word, TOP included.</summary>
    public ushort Fsw;

    /// <summary>x87 tags, abridged as in FXSAVE: bit p set when physical register Rp is not empty.</summary>
    public byte Ftw;

    /// <summary>Last x87 opcode, 11 bits.</summary>
    public ushort Fop;

    /// <summary>x87 instruction pointer selector.</summary>
    public ushort Fcs;

    /// <summary>x87 data pointer selector.</summary>
    public ushort Fds;

    /// <summary>x87 instruction pointer offset.</summary>
    public uint Fip;

    /// <summary>x87 data pointer offset.</summary>
    public uint Fdp;

    /// <summary>What the x87 operation that executes has raised, in <see cref="Fsw"/>'s bits; has no meaning between instructions.</summary>
    public uint FpuRaised;

    /// <summary>SSE control and status.</summary>
    public uint Mxcsr;

    /// <summary>SYSENTER_CS (MSR 174h).</summary>
    public uint SysenterCs;

    /// <summary>SYSENTER_ESP (MSR 175h).</summary>
    public uint SysenterEsp;

    /// <summary>SYSENTER_EIP (MSR 176h).</summary>
    public uint SysenterEip;

    /// <summary>TSC value minus virtual nanoseconds; WRMSR and reset change it.</summary>
    public ulong TscOffset;

    /// <summary>Other MSRs, by index in <see cref="ModelSpecificRegisters"/>.</summary>
    public fixed ulong Msr[64];

    /// <summary>GCHandle of the owning <see cref="CpuCore"/>.</summary>
    public nint Owner;

    /// <summary>TLB for CPL 0 to 2 and for implicit supervisor accesses.</summary>
    public TlbEntry* SupervisorTlb;

    /// <summary>TLB for CPL 3.</summary>
    public TlbEntry* UserTlb;

    /// <summary>Instruction TLB for CPL 0 to 2.</summary>
    public ulong* SupervisorInstructionTlb;

    /// <summary>Instruction TLB for CPL 3.</summary>
    public ulong* UserInstructionTlb;

    /// <summary>A TLB that is never filled: current while every access must take the slow path (alignment checks, data breakpoints).</summary>
    public TlbEntry* EmptyTlb;

    /// <summary>Value of a slow-path access; 16-byte aligned.</summary>
    public ScratchArea Scratch;

    /// <summary>x87 registers R0–R7 by physical number; MMX MM0–MM7 are their significands.</summary>
    public FpuFile Fpu;

    /// <summary>XMM0–XMM15.</summary>
    public XmmFile Xmm;

    /// <summary>Byte offset in this struct of a general register.</summary>
    /// <param name="index">0 = EAX … 7 = EDI.</param>
    public static byte RegisterOffset(int index) => (byte)(index * 8);

    /// <summary>The low 32 bits of a general register.</summary>
    /// <param name="s">The state.</param>
    /// <param name="index">0 = EAX, 1 ECX, 2 EDX, 3 EBX, 4 ESP, 5 EBP, 6 ESI, 7 EDI.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ref uint R32(CpuState* s, int index) => ref *(uint*)(s->Gpr + index);

    /// <summary>A register by byte offset, as decoded operands name it.</summary>
    /// <typeparam name="T">byte, ushort, uint: the operand size.</typeparam>
    /// <param name="s">The state.</param>
    /// <param name="offset">Byte offset; AH is 1.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ref T Register<T>(CpuState* s, byte offset)
        where T : unmanaged => ref *(T*)((byte*)s + offset);

    /// <summary>A segment register.</summary>
    /// <param name="s">The state.</param>
    /// <param name="index">A <see cref="SegmentIndex"/> value.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static SegmentRegister* Segment(CpuState* s, int index) => (SegmentRegister*)&s->Segments + index;

    /// <summary>An x87 register by physical number.</summary>
    /// <param name="s">The state.</param>
    /// <param name="physical">0 to 7.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static FpuRegister* FpuPhysical(CpuState* s, int physical) => (FpuRegister*)&s->Fpu + (physical & 7);

    /// <summary>An XMM register as pointer to its 16 bytes.</summary>
    /// <param name="s">The state.</param>
    /// <param name="index">0 to 15.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static byte* XmmBytes(CpuState* s, int index) => (byte*)&s->Xmm + (index * 16);

    /// <summary>Room for ES CS SS DS FS GS LDTR TR.</summary>
    [InlineArray(8)]
    public struct SegmentFile
    {
        private SegmentRegister _first;
    }

    /// <summary>Room for R0–R7.</summary>
    [InlineArray(8)]
    public struct FpuFile
    {
        private FpuRegister _first;
    }

    /// <summary>Room for XMM0–XMM15.</summary>
    [InlineArray(32)]
    public struct XmmFile
    {
        private ulong _first;
    }

    /// <summary>Room for the widest single access.</summary>
    [InlineArray(4)]
    public struct ScratchArea
    {
        private ulong _first;
    }
}
