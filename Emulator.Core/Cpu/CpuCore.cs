using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Emulator.Core.Decoding;
using Emulator.Core.Interpreter;
using Emulator.Core.Machine;
using Emulator.Core.Memory;
using Microsoft.Extensions.Logging;

namespace Emulator.Core.Cpu;

/// <summary>
/// One CPU: owns the native state, the TLBs and the decoded blocks, and connects them to memory, ports, clock and events. It executes
/// with the interpreter; see <see cref="Run"/>. Not thread safe: one thread runs it and everything else enters between two instructions.
/// </summary>
public sealed unsafe partial class CpuCore
{
    private readonly GCHandle _handle;

    /// <summary>A bit for each 4 MiB of linear addresses of which the TLBs may hold parts of a large page.</summary>
    private readonly ulong[] _largePages = new ulong[16];
    private long _sliceStart;
    private Op* _patchedOp;
    private Block* _patchedBlock;
    private delegate*<CpuState*, Op*, int> _patchedHandler;

    /// <summary>Creates a CPU in its reset state.</summary>
    /// <param name="model">The CPU model that CPUID shows.</param>
    /// <param name="memory">Physical memory.</param>
    /// <param name="ports">I/O ports.</param>
    /// <param name="clockMode">How virtual time advances.</param>
    /// <param name="hostNanoseconds">Host time for <see cref="ClockMode.Host"/>.</param>
    /// <param name="logger">Receives warnings about guest behaviour that is not modelled.</param>
    public CpuCore(CpuModel model, PhysicalMemory memory, PortMap ports, ClockMode clockMode, Func<long>? hostNanoseconds, ILogger logger)
    {
        Model = model;
        Memory = memory;
        Ports = ports;
        Logger = logger;
        State = (CpuState*)NativeMemory.AlignedAlloc((nuint)sizeof(CpuState), 64);
        *State = default;
        State->SupervisorTlb = NewTlb();
        State->UserTlb = NewTlb();
        State->EmptyTlb = NewTlb();
        State->SupervisorInstructionTlb = InstructionTlb.Create();
        State->UserInstructionTlb = InstructionTlb.Create();
        _handle = GCHandle.Alloc(this, GCHandleType.Weak);
        State->Owner = GCHandle.ToIntPtr(_handle);
        Clock = new Clock(State, clockMode, hostNanoseconds);
        Events = new EventQueue(Clock) { Rescheduled = CutBudget };
        Blocks = new BlockCache(this);
        memory.CodeWritten = Blocks.CodeWritten;
        memory.MappingChanged = () =>
        {
            Blocks.Clear();
            PageWalk.FlushAll(State);
        };
        memory.PagesRemapped = (address, length) => PageWalk.FlushPhysical(State, address, length);
        memory.WritesWatched = (address, length) => PageWalk.WatchWrites(State, address, length);
        Reset();
    }

    /// <summary>Frees the native state.</summary>
    ~CpuCore()
    {
        if (State == null)
        {
            return; // the constructor ran out of memory
        }

        NativeMemory.AlignedFree(State->SupervisorTlb);
        NativeMemory.AlignedFree(State->UserTlb);
        NativeMemory.AlignedFree(State->EmptyTlb);
        NativeMemory.AlignedFree(State->SupervisorInstructionTlb);
        NativeMemory.AlignedFree(State->UserInstructionTlb);
        NativeMemory.AlignedFree(State);
        _handle.Free();
    }

    /// <summary>The architectural state.</summary>
    public CpuState* State { get; }

    /// <summary>The CPU model that CPUID shows.</summary>
    public CpuModel Model { get; }

    /// <summary>Physical memory.</summary>
    public PhysicalMemory Memory { get; }

    /// <summary>I/O ports.</summary>
    public PortMap Ports { get; }

    /// <summary>Virtual time.</summary>
    public Clock Clock { get; }

    /// <summary>Device events.</summary>
    public EventQueue Events { get; }

    /// <summary>Decoded code.</summary>
    public BlockCache Blocks { get; }

    /// <summary>Receives warnings about guest behaviour that is not modelled.</summary>
    public ILogger Logger { get; }

    /// <summary>The interrupt controller that answers INTA cycles; null leaves INTR unanswered (vector FFh).</summary>
    public IInterruptController? InterruptController { get; set; }

    /// <summary>Told of each write to the APIC base register, on the thread that runs the CPU; null without a local APIC.</summary>
    public Action<ulong>? ApicBaseChanged { get; set; }

    /// <summary>The FERR# pin, for x87 errors with CR0.NE clear (IRQ 13 on a PC).</summary>
    public IrqLine FerrLine { get; set; } = new();

    /// <summary>Whether IGNNE# is asserted (port F0h): x87 errors do not stop execution while CR0.NE is clear.</summary>
    public bool IgnoreNumericError { get; set; }

    /// <summary>AND mask of physical addresses: all ones, or without bit 20 when A20 is masked.</summary>
    public uint A20Mask { get; private set; } = 0xFFFFFFFF;

    /// <summary>
    /// For verification of translated code: told of a page (linear address) before a store that did not hit the TLB, and before its pages can
    /// be written inline.
    /// </summary>
    internal Action<uint>? StoreObserver { get; set; }

    /// <summary>TLB fills since power-on.</summary>
    public long TlbMisses { get; internal set; }

    /// <summary>Instructions that retired in translated regions since power-on.</summary>
    public long TranslatedInstructions { get; private set; }

    /// <summary>Runs of translated regions since power-on; those that went on in another one inside of translated code count once.</summary>
    public long RegionRuns { get; private set; }

    /// <summary>Of these, those that ended in front of an instruction that was left to the interpreter: TLB miss, device, code page, no lowering.</summary>
    public long RegionsInterpreted { get; private set; }

    /// <summary>Of these, those that ended with a fault.</summary>
    public long RegionsFaulted { get; private set; }

    /// <summary>Exceptions delivered since power-on.</summary>
    public long FaultsDelivered { get; internal set; }

    /// <summary>Hardware interrupts delivered since power-on.</summary>
    public long InterruptsDelivered { get; internal set; }

    /// <summary>Attaches a translator, or detaches it with null. Regions of the former one are dropped.</summary>
    /// <param name="translator">The translator.</param>
    public void SetTranslator(Translator? translator)
    {
        Blocks.Translator = translator;
        Blocks.Clear();
    }

    /// <summary>The CPU that owns a state.</summary>
    /// <param name="s">The state.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static CpuCore Of(CpuState* s) => Unsafe.As<CpuCore>(GCHandle.FromIntPtr(s->Owner).Target!);

    /// <summary>Masks or passes address bit 20.</summary>
    /// <param name="enabled">Whether the line passes.</param>
    public void SetA20(bool enabled)
    {
        uint mask = enabled ? 0xFFFFFFFF : 0xFFEFFFFF;
        if (mask != A20Mask)
        {
            A20Mask = mask;
            PageWalk.FlushAll(State);
        }
    }

    /// <summary>Drives the INTR pin.</summary>
    /// <param name="level">Whether an interrupt is requested.</param>
    public void SetIntr(bool level)
    {
        State->IntrLine = level ? (byte)1 : (byte)0;
        UpdatePending(State);
    }

    /// <summary>Latches a non-maskable interrupt.</summary>
    public void RaiseNmi()
    {
        State->NmiLatched = 1;
        UpdatePending(State);
    }

    /// <summary>
    /// Recomputes what the run loop must look at between instructions; call after IF, TF, RF, DR7, NMI blocking or a pin changed.
    /// </summary>
    /// <param name="s">The state.</param>
    public static void UpdatePending(CpuState* s)
    {
        PendingWork p = s->Pending & (PendingWork.Shadow | PendingWork.ShadowSs | PendingWork.Stop);
        if (s->IntrLine != 0 && (s->EflagsRest & Eflags.IF) != 0)
        {
            p |= PendingWork.Interrupt;
        }

        if (s->NmiLatched != 0 && s->NmiBlocked == 0)
        {
            p |= PendingWork.Nmi;
        }

        if ((s->EflagsRest & (Eflags.TF | Eflags.RF)) != 0 || DebugRegisters.AreArmed(s) || s->DebugHits != 0)
        {
            p |= PendingWork.SingleStep;
        }

        if ((s->IsHalted | s->IsShutdown) != 0)
        {
            p |= PendingWork.Halt;
        }

        s->Pending = p;
    }

    /// <summary>Notes that the TLBs hold a part of a large page.</summary>
    internal void NoteLargePage(uint linear) => _largePages[linear >> 28] |= 1ul << (int)((linear >> 22) & 63);

    /// <summary>Whether the TLBs may hold parts of a large page around an address.</summary>
    internal bool HasLargePage(uint linear) => (_largePages[linear >> 28] & (1ul << (int)((linear >> 22) & 63))) != 0;

    /// <summary>The TLBs were emptied.</summary>
    internal void ForgetLargePages() => Array.Clear(_largePages);

    /// <summary>Makes device reads and writes of an instruction see the exact time; call before, and <see cref="EndDeviceAccess"/> after.</summary>
    /// <param name="op">The instruction, or null outside of one.</param>
    internal void BeginDeviceAccess(Op* op)
    {
        if (op != null)
        {
            State->InFlight = State->CurrentBlock->OpCount - op->Position;
        }
    }

    /// <summary>
    /// Ends a device access. When it changed what is pending, the block ends behind this instruction, so that the change takes effect
    /// before the next one.
    /// </summary>
    /// <param name="op">The instruction, or null outside of one.</param>
    internal void EndDeviceAccess(Op* op)
    {
        State->InFlight = 0;
        if (op != null && (State->Pending != 0 || State->Budget < 0) && op->Position + 1 < State->CurrentBlock->OpCount && _patchedOp == null)
        {
            _patchedOp = op + 1;
            _patchedBlock = State->CurrentBlock;
            _patchedHandler = op[1].Handler;
            op[1].Handler = &LeaveBlock;
        }
    }

    /// <summary>Takes back the early end of a block, if one was asked for.</summary>
    internal void RestorePatch()
    {
        if (_patchedOp != null)
        {
            if (_patchedBlock->IsValid != 0)
            {
                _patchedOp->Handler = _patchedHandler;
            }

            _patchedOp = null;
        }
    }

    /// <summary>Handler of the ops of an invalidated block, and of the op in front of which a block is to end: leaves it before this instruction.</summary>
    internal static int LeaveBlock(CpuState* s, Op* op)
    {
        Of(s).RestorePatch();
        s->Eip = s->BlockEip + op->EipOffset;
        s->Budget += s->CurrentBlock->OpCount - op->Position;
        return ExecStatus.Next;
    }

    private static TlbEntry* NewTlb()
    {
        nuint size = (nuint)(TlbEntry.Count * sizeof(TlbEntry)) + TlbEntry.UsedBytes;
        TlbEntry* table = (TlbEntry*)NativeMemory.AlignedAlloc(size, 64);
        NativeMemory.Clear(table, size);
        for (int i = 0; i < TlbEntry.Count; i++)
        {
            table[i].ReadTag = table[i].WriteTag = table[i].PageTag = TlbEntry.Invalid;
        }

        return table;
    }
}
