using System.Diagnostics;
using System.Reflection;
using System.Reflection.Emit;
using System.Runtime.InteropServices;
using Emulator.Core.Cpu;
using Emulator.Core.Decoding;
using Emulator.Core.Memory;
using Iced.Intel;
using Label = System.Reflection.Emit.Label;

namespace Emulator.Jit;

/// <summary>
/// Turns a region into IL. Shape of the method (docs/JIT.md has the reasons):
/// <list type="bullet">
/// <item>Entry: the budget must cover the longest way to the next look at it; general registers, the budget and the TLB base are loaded
/// into locals. Any block can be the entry.</item>
/// <item>Each block pays for its instructions; the budget is looked at again on ways back and behind handlers.</item>
/// <item>Memory: an inline check, of a window or of the TLB; on a miss a cold stub ends the region in front of the instruction with
/// <see cref="ExecStatus.Interpret"/>, so that the interpreter executes (or faults) it exactly.</item>
/// <item>Flags: the last operation's operands stay in locals; they go into the state where a block wants them there, and in exits.</item>
/// <item>Exit: a shared tail writes the registers that the region changes, flags, budget and EIP back, then returns to the run loop or
/// goes on in another region.</item>
/// </list>
/// Instructions without a lowering call the interpreter's handler through their one-instruction block.
/// </summary>
internal sealed unsafe partial class RegionEmitter
{
    /// <summary>A module whose code the host's compiler does not optimize.</summary>
    private static readonly Lazy<Module> Unoptimized = new(() =>
    {
        ConstructorInfo debuggable = typeof(DebuggableAttribute).GetConstructor([typeof(DebuggableAttribute.DebuggingModes)])!;
        CustomAttributeBuilder attribute = new(debuggable, [DebuggableAttribute.DebuggingModes.Default | DebuggableAttribute.DebuggingModes.DisableOptimizations]);
        return AssemblyBuilder.DefineDynamicAssembly(new AssemblyName("Emulator.Regions.Unoptimized"), AssemblyBuilderAccess.Run, [attribute]).DefineDynamicModule("regions");
    });

    private readonly Region _region;
    private readonly EmitModes _modes;
    private readonly IlWriter _il;
    private readonly LocalBuilder[] _r = new LocalBuilder[8];
    /// <summary>The budget less <see cref="_reserve"/>.</summary>
    private readonly LocalBuilder _budget;

    /// <summary><see cref="RegionFlow.Reserve"/>.</summary>
    private readonly int _reserve;
    private readonly LocalBuilder _address;
    private LocalBuilder? _offset;
    private readonly LocalBuilder _entry;
    private readonly LocalBuilder _host;
    private readonly LocalBuilder _a;
    private readonly LocalBuilder _b;
    private readonly LocalBuilder _res;
    private readonly LocalBuilder _carries;
    private readonly LocalBuilder _low;
    private readonly LocalBuilder _carryIn;
    private readonly LocalBuilder _t;
    private readonly LocalBuilder _u;
    private readonly LocalBuilder _wide;
    private readonly LocalBuilder _exitEip;
    private readonly LocalBuilder _status;
    private readonly Label _exit;
    private readonly Label _refusal;
    private readonly Label _leave;
    private readonly Dictionary<uint, Label> _labels = [];
    private readonly Dictionary<Label, Label> _paidEntries = [];
    private readonly Dictionary<uint, RegionBlock> _blocks = [];
    private readonly List<Action> _stubs = [];
    private readonly List<Op> _slots = [];
    private readonly RegionFlow _flow;
    private readonly List<(int Block, int Op)> _slotPlaces = [];
    private bool[] _written = new bool[8];
    private int _flagsVersion;
    private (int Version, Label Label) _deferringExit;
    private RegionBlock _block;
    private int _index;
    private uint _eip;

    private RegionEmitter(Region region, IlWriter il, EmitModes modes)
    {
        _region = region;
        _modes = modes;
        _il = il;
        _flow = new RegionFlow(region);
        _reserve = _flow.Reserve;
        _block = region.Entry;
        for (int i = 0; i < 8; i++)
        {
            _r[i] = il.DeclareLocal(typeof(uint));
        }

        _budget = il.DeclareLocal(typeof(long));
        _address = il.DeclareLocal(typeof(ulong));
        _entry = il.DeclareLocal(typeof(nint));
        _host = il.DeclareLocal(typeof(nint));
        _a = il.DeclareLocal(typeof(uint));
        _b = il.DeclareLocal(typeof(uint));
        _res = il.DeclareLocal(typeof(uint));
        _carries = il.DeclareLocal(typeof(uint));
        _low = il.DeclareLocal(typeof(uint));
        _carryIn = il.DeclareLocal(typeof(uint));
        _t = il.DeclareLocal(typeof(uint));
        _u = il.DeclareLocal(typeof(uint));
        _wide = il.DeclareLocal(typeof(ulong));
        _exitEip = il.DeclareLocal(typeof(uint));
        _status = il.DeclareLocal(typeof(int));
        _exit = il.DefineLabel();
        _refusal = il.DefineLabel();
        _leave = il.DefineLabel();
        _transfer = il.DefineLabel();
        _farTransfer = il.DefineLabel();
    }

    /// <summary>Where the status flags are at this point of the code.</summary>
    private FlagState Flags
    {
        get;
        set
        {
            field = value;
            _flagsVersion++;
        }
    }

    private enum Exit
    {
        Next = ExecStatus.Next,
        Interpret = ExecStatus.Interpret,
    }

    /// <summary>Emits the method of a region.</summary>
    /// <param name="region">The region.</param>
    /// <param name="modes">What is asked of the code.</param>
    /// <param name="slots">Receives the instructions of the <see cref="RegionContext"/>'s slots.</param>
    /// <param name="listing">Receives the IL as text; null for none.</param>
    /// <returns>The method, or null when it is too long for the host's compiler to optimize (see <see cref="IlWriter.IsTooLong"/>).</returns>
    public static DynamicMethod? Emit(Region region, EmitModes modes, out IReadOnlyList<Op> slots, List<string>? listing = null)
    {
        DynamicMethod method = new($"region_{region.Entry.Eip:X8}", typeof(int), [typeof(nint), typeof(nint), typeof(int)], modes.HasFlag(EmitModes.Unoptimized) ? Unoptimized.Value : typeof(RegionEmitter).Module, skipVisibility: true) { InitLocals = false };
        IlWriter il = new(method.GetILGenerator(16384), listing);
        RegionEmitter emitter = new(region, il, modes);
        emitter.EmitAll();
        slots = emitter._slots;
        return il.IsTooLong ? null : method;
    }

    /// <summary>Emits a region that was compiled before into a method that is kept.</summary>
    /// <param name="region">The region.</param>
    /// <param name="modes">What is asked of the code.</param>
    /// <param name="body">Body of the method.</param>
    /// <returns>Block and position of the instructions of the <see cref="RegionContext"/>'s slots.</returns>
    public static List<(int Block, int Op)> Emit(Region region, EmitModes modes, ILGenerator body)
    {
        RegionEmitter emitter = new(region, new IlWriter(body), modes);
        emitter.EmitAll();
        return emitter._slotPlaces;
    }

    private void EmitAll()
    {
        foreach (RegionBlock block in _region.Blocks)
        {
            _labels[block.Eip] = _il.DefineLabel();
            _blocks[block.Eip] = block;
        }

        _written = FindWritten(_region);
        PrepareWindows();
        PrepareSimd();
        BuildX87();
        PrepareVariants();
        EmitBudgetAtEntry();
        EmitCodeSegmentAtEntry();
        EmitPoison();
        EmitStartWindows();
        EmitLoadState();
        EmitSimdEntry();
        EmitX87Entry();
        EmitEntries();
        foreach (RegionBlock block in _flow.Order)
        {
            EmitBlock(block);
        }

        // Stubs may add stubs.
        for (int i = 0; i < _stubs.Count; i++)
        {
            _stubs[i]();
        }

        EmitExitTail();
        EmitTransferTail();
        EmitFarTransferTail();
        EmitTails();
        EmitRefusal();
    }

    /// <summary>Which general registers the region's own code may change; handlers work on the state itself.</summary>
    private static bool[] FindWritten(Region region)
    {
        bool[] written = new bool[8];

        // A region with handler calls reloads everything, and what it reloads it may write back: the same values.
        foreach (RegionBlock block in region.Blocks)
        {
            foreach (Op op in block.Ops)
            {
                foreach (int r in WrittenRegisters(in op))
                {
                    written[r] = true;
                }
            }
        }

        return written;
    }

    /// <summary>What is read before it is written is to be found in tests, not once in a million runs.</summary>
    private void EmitPoison()
    {
        if (_modes.HasFlag(EmitModes.Unoptimized))
        {
            foreach (LocalBuilder local in (ReadOnlySpan<LocalBuilder>)[_a, _b, _res, _low, _carries, _carryIn, _t, _u, _status, _exitEip])
            {
                _il.Emit(OpCodes.Ldc_I4, unchecked((int)0xA5A5A5A6));
                _il.Emit(OpCodes.Stloc, local);
            }
        }
    }

    private void EmitLoadState()
    {
        for (int i = 0; i < 8; i++)
        {
            EmitState(i * 8);
            _il.Emit(OpCodes.Ldind_U4);
            _il.Emit(OpCodes.Stloc, _r[i]);
        }

        EmitState(StateLayout.Budget);
        _il.Emit(OpCodes.Ldind_I8);
        _il.Emit(OpCodes.Stloc, _budget);
        EmitRefund(-_reserve);
        EmitForgetWindows();
    }

    /// <summary>
    /// Goes to the block that the caller enters; the first follows. Another region may have left the flags as operands: blocks that want
    /// them in the state, or the carry alone, refuse to be entered so, and the run loop finishes them.
    /// </summary>
    private void EmitEntries()
    {
        if (_region.Blocks.Count > 1)
        {
            _il.Emit(OpCodes.Ldarg_2);
            _il.EmitSwitch([.. _region.Blocks.Select(EntryLabel)]);
        }

        if (WantsFinishedFlags(_region.Entry))
        {
            EmitCheckedEntry(_region.Entry);
        }
    }

    private bool WantsFinishedFlags(RegionBlock block) => _flow.FlagsAt(block.Eip) is FlagKind.InState or FlagKind.Carry;

    private Label EntryLabel(RegionBlock block)
    {
        if (!WantsFinishedFlags(block))
        {
            return _labels[block.Eip];
        }

        Label label = _il.DefineLabel();
        _stubs.Add(() =>
        {
            _il.MarkLabel(label);
            EmitCheckedEntry(block);
        });
        return label;
    }

    private void EmitCheckedEntry(RegionBlock block)
    {
        EmitState(StateLayout.DeferredFlags);
        _il.Emit(OpCodes.Ldind_I4);
        _il.Emit(OpCodes.Brtrue, _refusal);
        if (_flow.FlagsAt(block.Eip) == FlagKind.Carry)
        {
            Flags = FlagState.InState;
            EmitCarry();
            _il.Emit(OpCodes.Stloc, _b);
        }

        _il.Emit(OpCodes.Br, _labels[block.Eip]);
    }

    /// <summary>
    /// With everything as it was at the entry, on to what makes the flags and enters again. The run loop does that, too, where a jump is not
    /// to be had.
    /// </summary>
    private void EmitRefusal()
    {
        _il.MarkLabel(_refusal);
        if ((_modes & (EmitModes.NoTransfers | EmitModes.Kept)) == 0)
        {
            _il.Emit(OpCodes.Ldarg_0);
            _il.Emit(OpCodes.Ldarg_1);
            _il.Emit(OpCodes.Ldarg_2);
            EmitContext(RegionContext.FinisherOffset);
            _il.Emit(OpCodes.Ldind_I);
            _il.EmitRegionCall(isTail: true);
            return;
        }

        _il.Emit(OpCodes.Ldc_I4, (int)Exit.Next);
        _il.Emit(OpCodes.Ret);
    }

    /// <summary>
    /// The region is left at once, to the interpreter, when the budget does not cover the longest way to the next look at it. Behind this,
    /// only ways back (to a block emitted earlier) and calls of handlers look again.
    /// </summary>
    private void EmitBudgetAtEntry()
    {
        Label enough = _il.DefineLabel();
        EmitState(StateLayout.Budget);
        _il.Emit(OpCodes.Ldind_I8);
        _il.Emit(OpCodes.Ldc_I4, _flow.Longest);
        _il.Emit(OpCodes.Conv_I8);
        _il.Emit(OpCodes.Bge, enough);
        _il.Emit(OpCodes.Ldc_I4, (int)Exit.Interpret);
        _il.Emit(OpCodes.Ret);
        _il.MarkLabel(enough);
    }

    /// <summary>
    /// On a way back: pays for the target, and leaves in front of it when what is left does not cover the longest way from its end to the next
    /// look. Such ways lead to the <see cref="PaidEntry"/>.
    /// </summary>
    private void EmitBudgetCheck(RegionBlock target)
    {
        if (_flow.IsForward(_block, target))
        {
            return;
        }

        EmitRefund(-target.Ops.Length);
        Label stop = _il.DefineLabel();
        EmitBudgetLook(Math.Max(0, _flow.LongestBehind(target) - _reserve), stop);
        AddExitStub(stop, target.Eip, target.Ops.Length);
    }

    /// <summary>Branches when the budget's local is below a number.</summary>
    private void EmitBudgetLook(int least, Label stop)
    {
        _il.Emit(OpCodes.Ldloc, _budget);
        _il.Emit(OpCodes.Ldc_I4, least);
        _il.Emit(OpCodes.Conv_I8);
        _il.Emit(OpCodes.Blt, stop);
    }

    /// <summary>Pushes the budget itself.</summary>
    private void EmitBudget()
    {
        _il.Emit(OpCodes.Ldloc, _budget);
        if (_reserve != 0)
        {
            _il.Emit(OpCodes.Ldc_I4, _reserve);
            _il.Emit(OpCodes.Conv_I8);
            _il.Emit(OpCodes.Add);
        }
    }

    /// <summary>Where a way from the current block to another enters it: a way back has paid.</summary>
    private Label EntryFrom(RegionBlock target, Label entry) => _flow.IsForward(_block, target) ? entry : PaidEntry(entry);

    /// <summary>The label behind the payment at an entry of a block.</summary>
    private Label PaidEntry(Label entry)
    {
        if (!_paidEntries.TryGetValue(entry, out Label paid))
        {
            paid = _il.DefineLabel();
            _paidEntries[entry] = paid;
        }

        return paid;
    }

    private void EmitStoreState()
    {
        for (int i = 0; i < 8; i++)
        {
            if (_written[i])
            {
                EmitState(i * 8);
                _il.Emit(OpCodes.Ldloc, _r[i]);
                _il.Emit(OpCodes.Stind_I4);
            }
        }

        EmitState(StateLayout.Budget);
        EmitBudget();
        _il.Emit(OpCodes.Stind_I8);
    }

    private void EmitExitTail()
    {
        // To the interpreter; what all of these exits have in common stands here.
        _il.MarkLabel(_leave);
        _il.Emit(OpCodes.Ldc_I4, (int)Exit.Interpret);
        _il.Emit(OpCodes.Stloc, _status);
        _il.MarkLabel(_exit);
        EmitCommit();
        _il.Emit(OpCodes.Ldloc, _status);
        _il.Emit(OpCodes.Ret);
    }

    /// <summary>Writes all that lies in locals back to the state.</summary>
    private void EmitCommit()
    {
        _x87 = X87State.AtEntry(0);
        EmitX87Store();
        EmitStoreState();
        EmitStoreXmm();
        EmitState(StateLayout.Eip);
        _il.Emit(OpCodes.Ldloc, _exitEip);
        _il.Emit(OpCodes.Stind_I4);
    }

    /// <summary>Pushes the address of a field of the state.</summary>
    private void EmitState(int offset)
    {
        _il.Emit(OpCodes.Ldarg_0);
        if (offset != 0)
        {
            _il.Emit(OpCodes.Ldc_I4, offset);
            _il.Emit(OpCodes.Add);
        }
    }

    /// <summary>Pushes the address of a field of the region's context.</summary>
    private void EmitContext(int offset)
    {
        _il.Emit(OpCodes.Ldarg_1);
        if (offset != 0)
        {
            _il.Emit(OpCodes.Ldc_I4, offset);
            _il.Emit(OpCodes.Add);
        }
    }

    private void EmitBlock(RegionBlock block)
    {
        _block = block;
        _x87 = X87State.AtEntry(_hasX87 ? _x87Tops[block.Eip] : 0);
        _eip = block.Eip;
        _index = 0;
        _lowOf = -1;
        StartSimdBlock();
        Label entry = EmitBlockLabels(block);
        EmitRefund(-block.Ops.Length);
        _il.MarkLabel(PaidEntry(entry));
        int body = _heads.TryGetValue(block.Eip, out (int Head, Label Body) head) ? head.Head : -1;
        List<AccessStretch> stretches = FindStretches(block, Math.Max(body, 0));
        for (int i = 0; i < block.Ops.Length; i++)
        {
            _index = i;
            if (_stretch?.End == i)
            {
                EmitStretchEnd();
            }

            if (i == body)
            {
                _lowOf = -1;
                _il.MarkLabel(head.Body);
            }

            if (stretches.Find(s => s.Start == i) is { } stretch)
            {
                EmitStretchStart(stretch);
            }

            if (_stretch?.Runs.FirstOrDefault(r => r.Start == i) is { } run)
            {
                EmitFloatRun(run);
                i = run.End - 1;
                continue;
            }

            ref Op op = ref block.Ops[i];
            NoteInstruction(in op);
            bool last = i == block.Ops.Length - 1;
            if (last && Branch.KindOf((Code)op.Code) is BranchKind kind && kind is not BranchKind.None and not BranchKind.String)
            {
                EmitX87BlockEnd();
                EmitBranch(kind, in op);
                return;
            }

            bool foreign = IsForeignX87(in op);
            switch (Lowering.Classify((Code)op.Code))
            {
                case LoweringKind.Lower when foreign:
                    EmitX87Spill();
                    if (!LowerInstruction(in op))
                    {
                        goto default;
                    }

                    EmitX87Reload(in op);
                    break;
                case LoweringKind.Lower when LowerInstruction(in op):
                    break;
                case LoweringKind.Exit:
                    EmitCount((Code)op.Code, RegionCounters.Exits);
                    EmitExit(_eip, block.Ops.Length - i, Exit.Interpret);
                    return;
                default:
                    EmitHandlerCall(in op);
                    _lowOf = -1;
                    break;
            }

            ForgetLow(in op);
            _eip += op.Length;
        }

        if (_stretch is not null)
        {
            EmitStretchEnd();
        }

        EmitX87BlockEnd();
        EmitGoto(block.End);
    }

    /// <summary>Jumps to a block, or leaves the region towards it.</summary>
    private void EmitGoto(uint eip)
    {
        if (_blocks.TryGetValue(eip, out RegionBlock? target) && FitsX87(eip))
        {
            EmitPageCheck(target);
            EmitBudgetCheck(target);
            if (FindVariant(target) is { } variant)
            {
                _il.Emit(OpCodes.Br, EntryFrom(target, variant));
                return;
            }

            EmitFlagsFor(eip);
            _il.Emit(OpCodes.Br, EntryFrom(target, _labels[eip]));
        }
        else
        {
            EmitLeave(eip);
        }
    }

    /// <summary>Brings the flags into the form that a block of the region expects at its entry.</summary>
    private void EmitFlagsFor(uint eip)
    {
        switch (_flow.FlagsAt(eip))
        {
            case FlagKind.Deferred:
                EmitDeferFlags();
                break;
            case FlagKind.InState:
                EmitMaterialize();
                break;
            case FlagKind.Carry when Flags.Kind != FlagKind.Carry:
                EmitCarry();
                _il.Emit(OpCodes.Stloc, _b);
                break;
            default:
                break;
        }
    }

    /// <summary>Whether a block can be entered from the current one without a look at its mapping: its pages were looked at already.</summary>
    private bool IsSamePage(RegionBlock target) => _block.Covers(target);

    /// <summary>On the way into other pages: the instruction TLB must hold them, and where the region was built from.</summary>
    private void EmitPageCheck(RegionBlock target)
    {
        if (IsSamePage(target))
        {
            return;
        }

        Label ok = _il.DefineLabel();
        Label miss = _il.DefineLabel();
        EmitPageCompare(target.Linear & 0xFFFFF000, target.Physical & 0xFFFFF000, miss);
        if (target.SecondPage != uint.MaxValue)
        {
            EmitPageCompare((target.Linear & 0xFFFFF000) + PhysicalMemory.PageSize, target.SecondPage, miss);
        }

        _il.Emit(OpCodes.Br, ok);
        _il.MarkLabel(miss);
        FlagState flags = Flags;
        EmitLeave(target.Eip);
        Flags = flags;
        _il.MarkLabel(ok);
    }

    private void EmitPageCompare(uint page, uint physical, Label miss)
    {
        EmitState(StateLayout.InstructionTlb);
        _il.Emit(OpCodes.Ldind_I);
        _il.Emit(OpCodes.Ldc_I4, InstructionTlb.IndexOf(page) << InstructionTlb.SizeShift);
        _il.Emit(OpCodes.Add);
        _il.Emit(OpCodes.Ldind_I8);
        _il.Emit(OpCodes.Ldc_I8, (long)InstructionTlb.Record(page, physical));
        _il.Emit(OpCodes.Bne_Un, miss);
    }
}
