using System.Reflection;
using System.Reflection.Emit;
using Emulator.Core.Cpu;
using Emulator.Core.Decoding;
using Emulator.Core.Semantics.X87;
using Iced.Intel;
using Label = System.Reflection.Emit.Label;

namespace Emulator.Jit;

/// <content>
/// The x87 in a region: register stack, tags, status and pointers in locals, resolved at compile time relative to a base that is fixed
/// when they are loaded. FXCH renames; blocks begin and end with each register in its own local.
/// </content>
internal sealed unsafe partial class RegionEmitter
{
    private static readonly bool[] FpuCodes = BuildFpuCodes();
    private static readonly FieldInfo PackedSignificand = typeof(X87Packed).GetField(nameof(X87Packed.Significand))!;
    private static readonly FieldInfo PackedBits = typeof(X87Packed).GetField(nameof(X87Packed.Bits))!;

    private readonly LocalBuilder?[] _x87Significand = new LocalBuilder?[8];
    private readonly LocalBuilder?[] _x87Bits = new LocalBuilder?[8];
    private readonly Dictionary<uint, int> _x87Tops = [];
    private bool _hasX87;
    private X87State _x87;
    private X87Locals? _x87Locals;

    private X87Locals X87 => _x87Locals!;

    /// <summary>Finds whether and how the region uses the x87: the relative TOP at each block's entry, and the registers in use.</summary>
    private void BuildX87()
    {
        foreach (RegionBlock block in _region.Blocks)
        {
            foreach (Op op in block.Ops)
            {
                _hasX87 |= IsLoweredX87(in op, out _);
            }
        }

        if (!_hasX87)
        {
            return;
        }

        _x87Locals = new X87Locals(_il, (_region.Fcw & X87Status.Exceptions) != X87Status.Exceptions);
        Queue<RegionBlock> open = new();
        foreach (RegionBlock block in _region.Blocks)
        {
            // What nothing in the region leads to begins like the entry.
            SetX87Top(block.Eip, 0, open);
            while (open.TryDequeue(out RegionBlock? next))
            {
                FollowX87(next, open);
            }
        }
    }

    private void SetX87Top(uint eip, int top, Queue<RegionBlock> open)
    {
        if (_blocks.TryGetValue(eip, out RegionBlock? block) && _x87Tops.TryAdd(eip, top))
        {
            open.Enqueue(block);
        }
    }

    private void FollowX87(RegionBlock block, Queue<RegionBlock> open)
    {
        int top = _x87Tops[block.Eip];
        foreach (Op op in block.Ops)
        {
            if (IsLoweredX87(in op, out X87Shape shape))
            {
                foreach (int i in StackRegisters(in op, shape))
                {
                    int relative = (top + i) & 7;
                    _x87Significand[relative] ??= _il.DeclareLocal(typeof(ulong));
                    _x87Bits[relative] ??= _il.DeclareLocal(typeof(uint));
                }
            }

            top = (top + StackIncrement(in op)) & 7;
        }

        Op last = block.Ops[^1];
        switch (Branch.KindOf((Code)last.Code))
        {
            case BranchKind.Conditional:
            case BranchKind.Loop:
                SetX87Top(block.Target, top, open);
                SetX87Top(block.End, top, open);
                break;
            case BranchKind.Jump:
            case BranchKind.Call:
                SetX87Top(block.Target, top, open);
                break;
            case BranchKind.Return:
                foreach (uint site in _region.ReturnSites.Concat(_region.Targets.GetValueOrDefault(block.Eip, [])))
                {
                    SetX87Top(site, top, open);
                }

                break;
            case BranchKind.IndirectCall:
            case BranchKind.IndirectJump:
                foreach (uint target in _region.Targets.GetValueOrDefault(block.Eip, []))
                {
                    SetX87Top(target, top, open);
                }

                break;
            case BranchKind.None:
            case BranchKind.String:
            case BranchKind.System:
                SetX87Top(block.End, top, open);
                break;
            default:
                break;
        }
    }

    internal static bool IsLoweredX87(in Op op, out X87Shape shape) => X87Shape.TryGet((Code)op.Code, out shape);

    /// <summary>
    /// Whether an instruction touches the x87 state, of which MMX registers and CR0.TS are part, in another way than by a lowering of this file.
    /// </summary>
    private static bool IsForeignX87(in Op op) => FpuCodes[op.Code] && !IsLoweredX87(in op, out _);

    /// <summary>What an instruction adds to TOP; of one that sets TOP, anything will do.</summary>
    private static int StackIncrement(in Op op)
    {
        if (!FpuCodes[op.Code])
        {
            return 0;
        }

        if (IsLoweredX87(in op, out X87Shape shape))
        {
            X87State state = X87State.AtEntry(0);
            uint asked = 0;
            _ = Apply(in op, shape, ref state, ref asked, ref asked);
            return state.Top;
        }

        Instruction instruction = default;
        instruction.Code = (Code)op.Code;
        return instruction.GetFpuStackIncrementInfo().Increment;
    }

    private static bool[] BuildFpuCodes()
    {
        bool[] codes = new bool[Lowering.CodeCount];
        foreach (Code code in Enum.GetValues<Code>())
        {
            string[] parts = code.ToString().Split('_');
            codes[(int)code] = code == Code.Wait || Branch.KindOf(code) is BranchKind.System or BranchKind.Far || parts[0] is "Emms" or "Femms" or "Fxsave" or "Fxrstor" or "Fxsave64" or "Fxrstor64"
                || parts.Skip(1).Any(p => p.StartsWith("mm", StringComparison.Ordinal))
                || code.CpuidFeatures().Any(f => f is CpuidFeature.FPU or CpuidFeature.FPU287 or CpuidFeature.FPU287XL_ONLY or CpuidFeature.FPU387 or CpuidFeature.FPU387SL_ONLY);
        }

        return codes;
    }

    /// <summary>Whether an edge to a block needs nothing done to the register stack.</summary>
    private bool FitsX87(uint eip) => !_hasX87 || _x87Tops[eip] == _x87.Top;

    /// <summary>At the region's entry: TOP as the entered block knows it, then everything into locals.</summary>
    private void EmitX87Entry()
    {
        if (!_hasX87)
        {
            return;
        }

        int[] tops = [.. _region.Blocks.Select(b => _x87Tops[b.Eip])];
        _il.Emit(OpCodes.Ldc_I4, tops[0]);
        _il.Emit(OpCodes.Stloc, X87.Top);
        if (tops.Any(t => t != tops[0]))
        {
            Label load = _il.DefineLabel();
            Label[] labels = [.. Enumerable.Range(0, 8).Select(_ => _il.DefineLabel())];
            _il.Emit(OpCodes.Ldarg_2);
            _il.EmitSwitch([.. tops.Select(t => labels[t])]);
            for (int top = 0; top < 8; top++)
            {
                _il.MarkLabel(labels[top]);
                _il.Emit(OpCodes.Ldc_I4, top);
                _il.Emit(OpCodes.Stloc, X87.Top);
                _il.Emit(OpCodes.Br, load);
            }

            _il.MarkLabel(load);
        }

        EmitX87Load();
    }

    /// <summary>Loads all x87 locals from the state; the top local says which relative register ST(0) is.</summary>
    private void EmitX87Load()
    {
        _il.Emit(OpCodes.Ldarg_0);
        EmitX87Call(nameof(X87Context.Top));
        _il.Emit(OpCodes.Ldloc, X87.Top);
        _il.Emit(OpCodes.Sub);
        _il.Emit(OpCodes.Stloc, X87.Base);
        _il.Emit(OpCodes.Ldarg_0);
        _il.Emit(OpCodes.Ldloc, X87.Base);
        _il.Emit(OpCodes.Ldc_I4, X87.Unmasked is null ? (int)X87Status.Exceptions : 0);
        EmitX87Call(nameof(X87Context.Tags));
        _il.Emit(OpCodes.Stloc, X87.Tags);
        for (int i = 0; i < 8; i++)
        {
            if (_x87Significand[i] is { } significand)
            {
                EmitPhysical(i);
                EmitX87Call(nameof(X87Context.Significand));
                _il.Emit(OpCodes.Stloc, significand);
                EmitPhysical(i);
                EmitX87Call(nameof(X87Context.SignExponent));
                _il.Emit(OpCodes.Stloc, _x87Bits[i]!);
            }
        }

        EmitState(StateLayout.Fsw);
        _il.Emit(OpCodes.Ldind_U2);
        _il.Emit(OpCodes.Stloc, X87.Status);
        EmitState(StateLayout.Fcw);
        _il.Emit(OpCodes.Ldind_U2);
        _il.Emit(OpCodes.Stloc, X87.Control);
        _il.Emit(OpCodes.Ldloc, X87.Status);
        _il.Emit(OpCodes.Ldc_I4, X87Packed.RaisedShift);
        _il.Emit(OpCodes.Shl);
        _il.Emit(OpCodes.Stloc, X87.C1);
        EmitZero(X87.Opcode);
        EmitZero(X87.Sticky);
        EmitControlChanged();
    }

    /// <summary>Computes what follows from the control word, which was loaded.</summary>
    private void EmitControlChanged()
    {
        _il.Emit(OpCodes.Ldloc, X87.Control);
        EmitFast(nameof(X87Fast.Mode));
        _il.Emit(OpCodes.Stloc, X87.Control);
        if (X87.Unmasked is { } unmasked)
        {
            _il.Emit(OpCodes.Ldloc, X87.Control);
            _il.Emit(OpCodes.Not);
            _il.Emit(OpCodes.Ldc_I4, (int)X87Status.Exceptions);
            _il.Emit(OpCodes.And);
            _il.Emit(OpCodes.Stloc, unmasked);
        }
    }

    private void EmitZero(LocalBuilder local)
    {
        _il.Emit(OpCodes.Ldc_I4_0);
        _il.Emit(OpCodes.Stloc, local);
    }

    /// <summary>Pushes the state's address and the number of the physical register that a relative one is.</summary>
    private void EmitPhysical(int relative)
    {
        _il.Emit(OpCodes.Ldarg_0);
        _il.Emit(OpCodes.Ldloc, X87.Base);
        if (relative != 0)
        {
            _il.Emit(OpCodes.Ldc_I4, relative);
            _il.Emit(OpCodes.Add);
        }
    }

    private void EmitX87Call(string method) => _il.Emit(OpCodes.Call, typeof(X87Context).GetMethod(method)!);

    /// <summary>Writes all x87 locals to the state; they are as <see cref="EmitX87Leave"/> left them.</summary>
    private void EmitX87Store()
    {
        if (!_hasX87)
        {
            return;
        }

        for (int i = 0; i < 8; i++)
        {
            if (_x87Significand[i] is { } significand)
            {
                EmitPhysical(i);
                _il.Emit(OpCodes.Ldloc, significand);
                _il.Emit(OpCodes.Ldloc, _x87Bits[i]!);
                EmitX87Call(nameof(X87Context.SetRegister));
            }
        }

        _il.Emit(OpCodes.Ldarg_0);
        EmitX87Status(() => _il.Emit(OpCodes.Ldloc, X87.Top));
        _il.Emit(OpCodes.Ldloc, X87.Control);
        _il.Emit(OpCodes.Ldloc, X87.Tags);
        _il.Emit(OpCodes.Ldloc, X87.Base);
        _il.Emit(OpCodes.Ldloc, X87.Ip);
        _il.Emit(OpCodes.Ldloc, X87.Opcode);
        _il.Emit(OpCodes.Ldloc, X87.Dp);
        EmitX87Call(nameof(X87Context.Store));
    }

    /// <summary>Pushes the status word.</summary>
    private void EmitX87Status(Action emitTop)
    {
        _il.Emit(OpCodes.Ldloc, X87.Status);
        _il.Emit(OpCodes.Ldloc, X87.Sticky);
        if (_x87.C1IsZero)
        {
            _il.Emit(OpCodes.Ldc_I4_0);
        }
        else
        {
            _il.Emit(OpCodes.Ldloc, X87.C1);
        }

        _il.Emit(OpCodes.Ldloc, X87.Base);
        emitTop();
        _il.Emit(OpCodes.Add);
        EmitX87Call(nameof(X87Context.Status));
    }

    /// <summary>On the way out of the region, or to a handler that wants the x87: registers to their own locals, everything known into locals.</summary>
    private void EmitX87Leave()
    {
        if (_hasX87)
        {
            EmitX87Settle();
            _il.Emit(OpCodes.Ldc_I4, _x87.Top);
            _il.Emit(OpCodes.Stloc, X87.Top);
        }
    }

    /// <summary>At the end of a block: the form in which other blocks begin.</summary>
    private void EmitX87BlockEnd()
    {
        if (_hasX87)
        {
            EmitX87Settle();
            _x87 = X87State.AtEntry(_x87.Top);
        }
    }

    /// <summary>Emits what makes the locals agree with what is known; leaves the knowledge alone, for the code may go on without it.</summary>
    private void EmitX87Settle()
    {
        EmitX87Permutation();
        if (_x87.Changed != 0)
        {
            _il.Emit(OpCodes.Ldloc, X87.Tags);
            _il.Emit(OpCodes.Ldc_I4, (int)~_x87.Changed);
            _il.Emit(OpCodes.And);
            _il.Emit(OpCodes.Ldc_I4, (int)(_x87.Changed & _x87.Valid));
            _il.Emit(OpCodes.Or);
            _il.Emit(OpCodes.Stloc, X87.Tags);
        }

        if (_x87.C1IsZero)
        {
            EmitZero(X87.C1);
        }

        if (_x87.IsTracked)
        {
            uint segment = (uint)(_x87.DataSegment + 1) << X87Context.SegmentShift;
            _il.Emit(OpCodes.Ldc_I4, (int)(_x87.Opcode | X87Context.Executed | segment));
            if (segment == 0)
            {
                _il.Emit(OpCodes.Ldloc, X87.Opcode);
                _il.Emit(OpCodes.Ldc_I4, unchecked((int)(0xFFFF_FFFF << X87Context.SegmentShift)));
                _il.Emit(OpCodes.And);
                _il.Emit(OpCodes.Or);
            }

            _il.Emit(OpCodes.Stloc, X87.Opcode);
            _il.Emit(OpCodes.Ldc_I4, (int)_x87.Ip);
            _il.Emit(OpCodes.Stloc, X87.Ip);
        }
    }

    private void EmitX87Permutation()
    {
        uint done = 0;
        for (int first = 0; first < 8; first++)
        {
            if ((done & (1u << first)) != 0 || _x87.LocalOf(first) == first)
            {
                continue;
            }

            // One cycle: each local takes the value of its register from where it is.
            EmitMove(_x87Significand[first]!, X87.Significand);
            EmitMove(_x87Bits[first]!, X87.Bits);
            int at = first;
            while (_x87.LocalOf(at) != first)
            {
                int from = _x87.LocalOf(at);
                EmitMove(_x87Significand[from]!, _x87Significand[at]!);
                EmitMove(_x87Bits[from]!, _x87Bits[at]!);
                done |= 1u << at;
                at = from;
            }

            EmitMove(X87.Significand, _x87Significand[at]!);
            EmitMove(X87.Bits, _x87Bits[at]!);
            done |= 1u << at;
        }
    }

    private void EmitMove(LocalBuilder from, LocalBuilder to)
    {
        _il.Emit(OpCodes.Ldloc, from);
        _il.Emit(OpCodes.Stloc, to);
    }

    /// <summary>Around an instruction that works on the x87 in the state: writes the locals there.</summary>
    private void EmitX87Spill()
    {
        if (_hasX87)
        {
            EmitX87Leave();
            EmitX87Store();
            _x87 = X87State.AtEntry(_x87.Top);
        }
    }

    /// <summary>Behind an instruction that worked on the x87 in the state.</summary>
    private void EmitX87Reload(in Op op)
    {
        if (_hasX87)
        {
            _x87 = X87State.AtEntry((_x87.Top + StackIncrement(in op)) & 7);
            _il.Emit(OpCodes.Ldc_I4, _x87.Top);
            _il.Emit(OpCodes.Stloc, X87.Top);
            EmitX87Load();
        }
    }

    /// <summary>The locals besides the registers.</summary>
    private sealed class X87Locals(IlWriter il, bool checksMasks)
    {
        /// <summary>Physical number of relative register 0, modulo 8.</summary>
        public LocalBuilder Base { get; } = il.DeclareLocal(typeof(int));

        /// <summary>Relative number of ST(0), modulo 8; only at the entry and on the way out.</summary>
        public LocalBuilder Top { get; } = il.DeclareLocal(typeof(int));

        /// <summary>See <see cref="X87Context.Tags"/>.</summary>
        public LocalBuilder Tags { get; } = il.DeclareLocal(typeof(uint));

        /// <summary>Status word; its C1 and TOP do not count.</summary>
        public LocalBuilder Status { get; } = il.DeclareLocal(typeof(uint));

        /// <summary>Control word, see <see cref="X87Fast.Mode"/>.</summary>
        public LocalBuilder Control { get; } = il.DeclareLocal(typeof(uint));

        /// <summary>What was raised since the status word was loaded, in bits 31..16.</summary>
        public LocalBuilder Sticky { get; } = il.DeclareLocal(typeof(uint));

        /// <summary>C1 in bit 25.</summary>
        public LocalBuilder C1 { get; } = il.DeclareLocal(typeof(uint));

        /// <summary>EIP of the last instruction.</summary>
        public LocalBuilder Ip { get; } = il.DeclareLocal(typeof(uint));

        /// <summary>Opcode of the last instruction, see <see cref="X87Context.Store"/>.</summary>
        public LocalBuilder Opcode { get; } = il.DeclareLocal(typeof(uint));

        /// <summary>Offset of the last memory operand.</summary>
        public LocalBuilder Dp { get; } = il.DeclareLocal(typeof(uint));

        /// <summary>Offset of the current memory operand.</summary>
        public LocalBuilder Offset { get; } = il.DeclareLocal(typeof(uint));

        /// <summary>Result of a call.</summary>
        public LocalBuilder Result { get; } = il.DeclareLocal(typeof(X87Packed));

        /// <summary>Memory operand of arithmetic.</summary>
        public LocalBuilder Source { get; } = il.DeclareLocal(typeof(X87Packed));

        /// <summary>A significand on its way.</summary>
        public LocalBuilder Significand { get; } = il.DeclareLocal(typeof(ulong));

        /// <summary>Sign and exponent on their way, or conditions.</summary>
        public LocalBuilder Bits { get; } = il.DeclareLocal(typeof(uint));

        /// <summary>Exceptions that are not masked; null where the region leaves the FPU to the interpreter unless all are masked.</summary>
        public LocalBuilder? Unmasked { get; } = checksMasks ? il.DeclareLocal(typeof(uint)) : null;
    }
}
